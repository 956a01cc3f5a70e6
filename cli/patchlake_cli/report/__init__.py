"""The report: the figures of a lake as HTML, Markdown or JSON; figures -> page | markdown | document -> renderers."""
