"""Access to AWS: the user's session, the permissions that a run needs, and advice where one is missing."""
