"""The four stages, plan → discover → collect → commit, over ports."""
