"""Scripts that users would write instead; each runs in its own environment, from the lock next to it."""
