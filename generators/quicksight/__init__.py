"""``templates/quicksight.yaml``: the dashboard as data, and the optional stack that is generated from it."""
