"""Answers as the tests compare them."""

from typing import Any

from patchlake_cli.lake.engine import Answer, Lake


def pick(answer: Answer, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of an answer, in its order."""
    places = [answer.columns.index(column) for column in columns]
    return [tuple(row[place] for place in places) for row in answer.rows]


def view(lake: Lake, name: str, *columns: str) -> list[tuple[Any, ...]]:
    """Return some columns of a view, in the order of their values."""
    return lake.query(f"SELECT {', '.join(columns)} FROM {name} ORDER BY {', '.join(columns)}").rows  # noqa: S608
