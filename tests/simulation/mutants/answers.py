"""Altering what a detail source makes of the answers."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from patchlake.core.keys import ROOT_DETAIL
from patchlake.core.records import Page
from patchlake.core.rows import Outcome
from patchlake.sources.source import DetailSource
from tests.simulation.mutants.mutant import Patch

type Pages = Iterable[Page[Any]]
type Settled = dict[str, Sequence[Outcome]]
type Settle = Callable[[Sequence[str], Pages], Settled]


def alter_settling(
    patch: Patch, altered: Callable[[Settle, Sequence[str], Pages], Settled], name: str = ROOT_DETAIL
) -> None:
    """Let a source settle its answers by ``altered``, which is given the source's own rule first."""
    own = DetailSource.__dict__["settle"]

    def settle(source: DetailSource, asked: Sequence[str], pages: Pages) -> Settled:
        rule = own.__get__(source)
        return altered(rule, asked, pages) if source.name == name else rule(asked, pages)

    patch.setattr(DetailSource, "settle", settle)
