"""AWS on a laptop: moto extended by a faithful SSM, and what Lambda does around the deployed handlers."""
