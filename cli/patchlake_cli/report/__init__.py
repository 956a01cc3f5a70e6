"""The report: figures of a lake as one HTML file that can be forwarded: figures -> charts -> page -> report_file."""
