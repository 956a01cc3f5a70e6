"""The edges: one file per service behind each port."""
