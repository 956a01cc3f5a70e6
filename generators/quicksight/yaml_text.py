"""A dashboard's definition as YAML."""

from textwrap import indent
from typing import override

import yaml

from generators.quicksight.fields import Json

_WIDTH = 118
"""After which a small collection goes on in the next line."""


class _Dumper(yaml.SafeDumper):
    """Indents lists, and writes everything out: nothing is an alias of anything."""

    @override
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        return super().increase_indent(flow, indentless=False)

    @override
    def ignore_aliases(self, data: object) -> bool:
        return True


def yaml_text(value: Json, margin: int) -> str:
    """Return a value as YAML behind a margin of so many spaces, small collections on one line."""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=None, sort_keys=False, width=_WIDTH - margin)
    return indent(text, " " * margin)
