"""``templates/analytics.yaml``: the lake in Athena."""
