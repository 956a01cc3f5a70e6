"""Altering what a detail source asks for, and what it makes of the answers."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from patchlake.core.keys import ROOT_DETAIL
from patchlake.core.records import Page
from patchlake.core.rows import Outcome
from patchlake.sources.source import DetailSource, Operation
from tests.simulation.mutants.mutant import Patch

type Pages = Iterable[Page[Any]]
type Settled = dict[str, Sequence[Outcome]]
type Settle = Callable[[Sequence[str], Pages], Settled]


def alter_settling(
    patch: Patch, altered: Callable[[Settle, Sequence[str], Pages], Settled], name: str = ROOT_DETAIL
) -> None:
    """Let a source settle its answers by ``altered``, which is given the source's own rule first."""
    own = DetailSource.__dict__["settle"]

    def settle(source: DetailSource) -> Settle:
        rule: Settle = own.__get__(source)
        return partial(altered, rule) if source.name == name else rule

    patch.setattr(DetailSource, "settle", property(settle, own.__set__))


def alter_ids_per_call(patch: Patch, operation: str, ids_per_call: int) -> None:
    """Let an operation be asked about so many ids a call."""
    _alter_operation(patch, operation, "ids_per_call", lambda _: ids_per_call)


def alter_page_size(patch: Patch, operation: str, size: int) -> None:
    """Let an operation be asked for so many rows a page."""
    _alter_operation(patch, operation, "page_size", lambda _: size)


def alter_request(patch: Patch, operation: str, alter: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let an operation be asked with other parameters."""
    _alter_operation(patch, operation, "request", lambda own: lambda *arguments: alter(own(*arguments)))


def _alter_operation(patch: Patch, operation: str, name: str, alter: Callable[[Any], Any]) -> None:
    own = Operation.__dict__[name]

    def altered(made: Operation) -> Any:  # noqa: ANN401
        value = own.__get__(made)
        return alter(value) if made.name == operation else value

    patch.setattr(Operation, name, property(altered, own.__set__))
