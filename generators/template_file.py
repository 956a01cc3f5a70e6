"""CloudFormation templates from YAML files: the fixed parts, and a model of each repeated resource.

Such a file is itself a template, so an editor and cfn-lint can read it::

    # <tables>
    TheTable:
      Type: AWS::Glue::Table
      Properties:
        Name: <name>
        Columns:
          - { Name: <column>, Type: <type> }
    # </tables>

The resources made from the model replace the part between two such comments. ``The`` in a logical id stands for the
name of the item in CamelCase, and ``<name>`` for a value. A line with a list of values is repeated for each of them.
"""

import re
from collections.abc import Callable, Mapping, Sequence

_PART = re.compile(r"^ *# <(?P<name>\w+)>\n(?P<model>.*?)^ *# </(?P=name)>\n", re.MULTILINE | re.DOTALL)
_LOGICAL_ID = re.compile(r"\bThe(?=[A-Z])")
_PLACE = re.compile(r"<(\w+)>")


def with_parts(template: str, **parts: Callable[[str], str]) -> str:
    """Replace every part of a template by the result of a function of its model.

    Raises:
        ValueError: the template has other parts than these.
    """
    found = [part["name"] for part in _PART.finditer(template)]
    if sorted(found) != sorted(parts):
        raise ValueError(f"expected the parts {', '.join(sorted(parts))} in the template, found {', '.join(found)}")
    return _PART.sub(lambda part: parts[part["name"]](part["model"]), template)


def filled(model: str, name: str, **values: str | Sequence[str]) -> str:
    """Return a model with its places filled.

    Args:
        model: the lines of a part.
        name: of the item, in snake_case.
        values: the values of the other places; a list of them repeats the line.

    Raises:
        KeyError: a place has no value.
        ValueError: a line has lists of different lengths.
    """
    named = _LOGICAL_ID.sub("".join(word.capitalize() for word in name.split("_")), model)
    return "".join(_filled_line(line, {"name": name, **values}) for line in named.splitlines(keepends=True))


def _filled_line(line: str, values: Mapping[str, str | Sequence[str]]) -> str:
    used = {place: values[place] for place in _PLACE.findall(line)}
    lists = {place: value for place, value in used.items() if not isinstance(value, str)}
    if not lists:
        return _put(line, used)
    rows = zip(*lists.values(), strict=True)
    return "".join(_put(line, used | dict(zip(lists, row, strict=True))) for row in rows)


def _put(line: str, values: Mapping[str, object]) -> str:
    return _PLACE.sub(lambda place: str(values[place[1]]), line)
