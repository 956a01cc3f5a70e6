"""The answers: the SQL of ``analytics/``, run over a lake on this machine, and what is generated from it for AWS."""
