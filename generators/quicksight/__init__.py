"""``templates/quicksight.yaml``: the dashboard as data, and the optional stack generated from it."""
