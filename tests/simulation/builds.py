"""The deployed versions of patchlake, each with its settings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from patchlake.adapters.memory import MemoryTables
from patchlake.core.tables import Columns, Table
from patchlake.ports import TableFile, TableWriter
from patchlake.sources.registry import Registry
from tests.simulation.toys import KnownToys, registry

NEWEST_COLUMNS = frozenset({"source_type", "available_security_update_count", "account_name"})


@dataclass(frozen=True, slots=True)
class Build:
    """One deployed version of patchlake with its settings; an older one knows fewer columns, or sources."""

    version: str
    batch_size: int
    deadline_seconds: int
    unknown_columns: frozenset[str] = frozenset()
    toys: KnownToys | None = None
    patches_per_part: int | None = None
    lists_ec2: bool = False

    @property
    def sources(self) -> Registry:
        """The sources that this build knows."""
        return registry(self.toys, self.patches_per_part, lists_ec2=self.lists_ec2)

    def encode(self, table: Table, row_groups: Iterable[Columns], metadata: Mapping[str, str]) -> bytes:
        """Return a file of the columns that this build knows."""
        return MemoryTables().encode(self._known(table), row_groups, metadata)

    def open(self, body: bytes) -> TableFile:
        """Read a file."""
        return MemoryTables().open(body)

    def writer(self, table: Table, metadata: Mapping[str, str]) -> TableWriter:
        """Begin a file of the columns that this build knows."""
        return MemoryTables().writer(self._known(table), metadata)

    def _known(self, table: Table) -> Table:
        if not self.unknown_columns:
            return table
        return Table(table.name, table.description, tuple(c for c in table if c.name not in self.unknown_columns))


def build(  # noqa: PLR0913, PLR0917
    version: str,
    batch_size: int,
    deadline_seconds: int,
    unknown: frozenset[str],
    toys: KnownToys | None,
    patches_per_part: int | None,
    lists_ec2: bool,  # noqa: FBT001
) -> Build:
    """Return a build; one that knows the patches knows the columns by which it selects their nodes."""
    if patches_per_part is not None:
        unknown -= {"available_security_update_count"}
    return Build(version, batch_size, deadline_seconds, unknown, toys, patches_per_part, lists_ec2)
