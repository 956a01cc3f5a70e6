"""A lake as the command reads it: its location, its files, and Athena's SQL over them."""
