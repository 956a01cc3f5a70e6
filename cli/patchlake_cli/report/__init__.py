"""The report: the figures of a lake as one HTML file; figures -> charts -> page -> report_file."""
