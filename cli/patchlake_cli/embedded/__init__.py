"""AWS on a laptop: moto with a faithful SSM, and Lambda's part around the deployed handlers."""
