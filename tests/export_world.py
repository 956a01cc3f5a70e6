"""An export in memory: the production stages and their pool; the test sets SSM, accounts and time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from patchlake.adapters.memory import MemoryApis, MemoryClock, MemoryStore
from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key, snapshot_key
from patchlake.core.plan import Plan
from patchlake.core.tables import Columns
from patchlake.core.targets import Target
from patchlake.ports import Store
from patchlake.stages.commit import CommitResult
from patchlake_cli.access.sessions import Identity
from patchlake_cli.export.composition import Ports, compose
from patchlake_cli.export.late_runs import LateRun, close_late_runs
from patchlake_cli.export.resume import begin
from patchlake_cli.export.run_loop import finish_run
from patchlake_cli.export.settings import ExportSettings
from patchlake_cli.terminal.observation import Observation
from tests.world import HOME, RUN_AT, FixedAccounts, node_id, node_information, patch_state

SETTINGS = ExportSettings("self", ("eu-central-1",), batch_size=2, retry_seconds=0)


@dataclass(frozen=True)
class Exported:
    """The result of one export; ``result`` is None if the run was published before, ``late`` what it closed first."""

    plan: Plan
    is_new: bool
    late: list[LateRun]
    observation: Observation
    result: CommitResult | None


@dataclass
class ExportWorld:
    """One lake and one fleet; each ``export`` is another process on the user's machine."""

    store: Store = field(default_factory=MemoryStore)
    clock: MemoryClock = field(default_factory=lambda: MemoryClock(RUN_AT + timedelta(seconds=7)))
    accounts: FixedAccounts = field(default_factory=FixedAccounts)
    waits: list[str] = field(default_factory=list)
    identify: Callable[[], Identity] = lambda: Identity(HOME, f"arn:aws:iam::{HOME}:user/someone")

    def __post_init__(self) -> None:
        self.apis = MemoryApis(self.clock)

    def add_nodes(self, target: Target, numbers: Iterable[int]) -> None:
        """Let SSM list these nodes, each with a patch state."""
        source = self.apis.of(target)
        for number in numbers:
            source.nodes[node_id(number)] = node_information(number)
            source.states[node_id(number)] = patch_state(number)

    def wait(self, why: str, seconds: int) -> None:
        """Let time pass, and keep the reason."""
        self.waits.append(why)
        self.clock.advance(seconds)

    def ports(self) -> Ports:
        """Return the world as an export sees it."""
        return Ports(self.store, self.accounts, self.apis, self.clock, self.identify)

    def export(
        self,
        run_id: str | None = None,
        settings: ExportSettings = SETTINGS,
        on_progress: Callable[[Observation], object] = lambda _: None,
        **changes: object,
    ) -> Exported:
        """Export once, with some settings changed."""
        settings = replace(settings, **changes)  # type: ignore[arg-type]
        ports = self.ports()
        late = list(close_late_runs(ports, settings, run_id))
        stages = compose(ports, settings)
        begun = begin(stages.plan, run_id, self.wait)
        observation = Observation(begun.plan.run_id)
        result = None
        if not begun.is_published:
            result = finish_run(
                begun.plan, ports, stages, observation, lambda: on_progress(observation), look_seconds=0.1
            )
        return Exported(begun.plan, begun.is_new, late, observation, result)

    def snapshot(self, run_id: str) -> Columns:
        """Return a run's published rows."""
        return self._columns(snapshot_key(run_id))

    def coverage(self, run_id: str) -> Columns:
        """Return a run's published coverage."""
        return self._columns(coverage_key(run_id))

    def _columns(self, key: str) -> Columns:
        file = ParquetTables().open(self.store.get(key) or b"")
        return file.columns(file.column_names)
