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
    own = Operation.__dict__["ids_per_call"]

    def ids(made: Operation) -> Any:  # noqa: ANN401
        return ids_per_call if made.name == operation else own.__get__(made)

    patch.setattr(Operation, "ids_per_call", property(ids, own.__set__))
