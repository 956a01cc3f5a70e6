"""A lake on this machine: where it is, its files, and answers to Athena's SQL over them."""
