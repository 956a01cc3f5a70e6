"""A probe of the user's AWS: a few paced, read-only calls, and a verdict on each assumption that they show."""
