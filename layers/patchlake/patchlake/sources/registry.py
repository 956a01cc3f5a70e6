"""The sources of patchlake, parents before children; the stages receive them from here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from patchlake.core.plan import Plan, PlannedSource
from patchlake.core.tables import INSTANCE_ID, Table
from patchlake.errors import ConfigError, InputError, UnknownSourceError
from patchlake.sources.coverage import coverage_table
from patchlake.sources.instances import INSTANCES
from patchlake.sources.nodes import NODES
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.patches import PATCHES
from patchlake.sources.source import DetailSource, ListingSource, Operation, Source
from patchlake.sources.tags import TAGS


@dataclass(frozen=True, eq=False, slots=True)
class Registry:
    """The sources that this build knows.

    Attributes:
        nodes: the root listing, which decides the nodes of a run.
        patch_states: the root detail, whose table is the commit.
        secondary: all others; the snapshot never waits for them longer than the plan's ``detail_deadline_at``.
    """

    nodes: ListingSource
    patch_states: DetailSource
    secondary: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a detail source of any parent but the root detail: the protocol has no place for it."""
        for source in self.secondary:
            if isinstance(source, DetailSource) and source.parent != self.patch_states.name:
                msg = f"{source.name} is a detail of {source.parent}: expected a detail of {self.patch_states.name}"
                raise ValueError(msg)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source, parents before children."""
        return (self.nodes, self.patch_states, *self.secondary)

    @property
    def secondary_listings(self) -> list[str]:
        """The names of the secondary listing sources, which share a queue."""
        return [source.name for source in self.secondary if isinstance(source, ListingSource)]

    @property
    def secondary_details(self) -> list[str]:
        """The names of the secondary detail sources, which share a queue."""
        return [source.name for source in self.secondary if isinstance(source, DetailSource)]

    @property
    def operations(self) -> list[Operation]:
        """The operation of every source."""
        return [source.operation for source in self.sources]

    @property
    def tables(self) -> tuple[Table, ...]:
        """The published tables, with every column that a run can fill."""
        return (
            self.patch_states.table,
            coverage_table(self.secondary),
            *(source.table for source in self.secondary),
        )

    def planned(self, names: Iterable[str]) -> tuple[PlannedSource, ...]:
        """Return these secondary sources as a new plan names them.

        Raises:
            ConfigError: this build does not know one of them.
        """
        wanted, known = set(names), {source.name for source in self.secondary}
        if unknown := sorted(wanted - known):
            msg = f"there is no source {', '.join(unknown)}: expected one of {', '.join(sorted(known)) or 'none'}"
            raise ConfigError(msg)
        return tuple(source.planned() for source in self.secondary if source.name in wanted)

    def listings(self, plan: Plan) -> Sequence[ListingSource]:
        """Return the secondary listing sources that the plan names and this build knows."""
        return [source for source in self.secondary_of(plan) if isinstance(source, ListingSource)]

    def details(self, plan: Plan) -> Sequence[DetailSource]:
        """Return the secondary detail sources that the plan names and this build knows."""
        return [source for source in self.secondary_of(plan) if isinstance(source, DetailSource)]

    def columns_for_children(self, plan: Plan) -> list[str]:
        """Return the columns of the root detail that the secondary details of the plan read."""
        details = self.details(plan)
        read = [name for source in details for name in source.parent_columns]
        carried = [column.name for source in details for column in source.carried]
        return list(dict.fromkeys([INSTANCE_ID.name, *read, *carried]))

    def secondary_of(self, plan: Plan) -> Sequence[Source]:
        """Return the secondary sources that the plan names and has a question for.

        Those that this build does not know (after a rollback) are left out.
        """
        return [source for source in self.secondary if _is_read(source, plan)]

    def unknown_of(self, plan: Plan) -> set[str]:
        """Return the names of the plan's sources that this build does not know as the plan has them."""
        return {planned.name for planned in plan.sources} - {
            source.name for source in self.secondary if _is_known(source, plan)
        }

    def listing(self, plan: Plan, name: str) -> ListingSource:
        """Return the listing source that a message names.

        Raises:
            InputError: it is a detail source.
            UnknownSourceError: this build does not know it, or the plan does not name it as this build does.
        """
        return self._named(plan, name, ListingSource)

    def detail(self, plan: Plan, name: str) -> DetailSource:
        """Return the detail source that a message names.

        Raises:
            InputError: it is a listing source.
            UnknownSourceError: this build does not know it, or the plan does not name it as this build does.
        """
        return self._named(plan, name, DetailSource)

    def _named[S: Source](self, plan: Plan, name: str, kind: type[S]) -> S:
        for source in (self.nodes, self.patch_states, *self.secondary_of(plan)):
            if source.name == name:
                if isinstance(source, kind):
                    return source
                msg = f"run {plan.run_id}: {name} is not a {kind.__name__}, so the message is refused"
                raise InputError(msg)
        msg = (
            f"run {plan.run_id}: this version of patchlake does not read the source {name} as the run's plan has it; "
            "the message is acknowledged once the run is published"
        )
        raise UnknownSourceError(msg)


def _is_read(source: Source, plan: Plan) -> bool:
    return _is_known(source, plan) and (isinstance(source, DetailSource) or source.asks(plan))


def _is_known(source: Source, plan: Plan) -> bool:
    planned = plan.planned_source(source.name)
    return planned is not None and planned.asks_version == source.planned().asks_version


SOURCES = Registry(NODES, PATCH_STATES, (PATCHES, INSTANCES, TAGS))
"""The sources that patchlake knows; a run reads the secondary ones that its plan names."""

COVERAGE = coverage_table(SOURCES.secondary)
"""The table of coverage, with every column that a run of this build can fill."""
