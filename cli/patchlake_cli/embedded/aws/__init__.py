"""The process of the embedded AWS: moto's server with a faithful SSM, and the control calls of tests and the demo."""
