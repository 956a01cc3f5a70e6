"""What users would write instead; each script runs in an environment of its own, from the lock beside it."""
