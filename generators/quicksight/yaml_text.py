"""A dashboard's definition as YAML."""

from textwrap import indent
from typing import override

import yaml

from generators.quicksight.fields import Json

_WIDTH = 118
"""The maximum width of a line of a small collection."""


class _Dumper(yaml.SafeDumper):
    """A dumper that indents lists and uses no aliases."""

    @override
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        return super().increase_indent(flow, indentless=False)

    @override
    def ignore_aliases(self, data: object) -> bool:
        return True


def yaml_text(value: Json, margin: int) -> str:
    """Return a value as YAML with this margin of spaces, and small collections on one line."""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=None, sort_keys=False, width=_WIDTH - margin)
    return indent(text, " " * margin)
