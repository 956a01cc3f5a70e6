"""Access to AWS: the user's session, the permissions that a run needs, and what to do where one is missing."""
