"""Athena's SQL, as DuckDB answers it: read by Trino's grammar, and changed or refused where the two differ."""
