"""One run in one process: the production stages over a memory queue, without a deployment."""
