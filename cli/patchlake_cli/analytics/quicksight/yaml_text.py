"""Resources as YAML, with CloudFormation's short forms."""

from textwrap import indent
from typing import Any, override

import yaml

from patchlake_cli.analytics.quicksight.fields import Json


class Sub(str):
    """A text that CloudFormation fills in."""

    __slots__ = ()


class Ref(str):
    """A parameter, or one of CloudFormation's own."""

    __slots__ = ()


class GetAtt(str):
    """An attribute of a resource."""

    __slots__ = ()


class If(list[Any]):
    """A condition and two values."""


class _Dumper(yaml.SafeDumper):
    """Writes CloudFormation's short forms; lists are indented, and nothing is an alias of anything."""

    @override
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        return super().increase_indent(flow, indentless=False)

    @override
    def ignore_aliases(self, data: object) -> bool:
        return True


def _tagged(tag: str) -> Any:  # noqa: ANN401  # a representer
    return lambda dumper, text: dumper.represent_scalar(tag, str(text), style="|" if "\n" in text else None)


_Dumper.add_representer(Sub, _tagged("!Sub"))
_Dumper.add_representer(Ref, _tagged("!Ref"))
_Dumper.add_representer(GetAtt, _tagged("!GetAtt"))
_Dumper.add_representer(If, lambda dumper, parts: dumper.represent_sequence("!If", list(parts), flow_style=False))


def resources_text(resources: Json) -> str:
    """Return resources as YAML, small collections on one line, an empty line after each."""
    return "".join(
        indent(yaml.dump({name: body}, Dumper=_Dumper, default_flow_style=None, sort_keys=False, width=116), "  ")
        + "\n"
        for name, body in resources.items()
    )
