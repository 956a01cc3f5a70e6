"""The warning about targets that the newest run of a lake covered and an export does not."""

from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import coverage_key
from patchlake_cli.export.scope import scope_warning
from patchlake_cli.lake.run_reader import Runs
from tests.export_world import Exported, ExportWorld
from tests.world import HOME, RUN_ID

OTHERS = ("222233334444", "333344445555")


def warning(world: ExportWorld, exported: Exported) -> str | None:
    """Return the warning about an export."""
    return scope_warning(exported.plan, world.store, Runs(world.store, ParquetTables(), world.clock))


def export_again(world: ExportWorld, **changes: object) -> Exported:
    """Export a minute later."""
    world.clock.advance(60)
    return world.export(**changes)  # type: ignore[arg-type]


def test_the_first_run_of_a_lake_and_one_with_the_same_scope_have_no_warning() -> None:
    world = ExportWorld()

    assert warning(world, world.export()) is None
    assert warning(world, export_again(world)) is None


def test_another_account_or_region_names_what_would_be_missing() -> None:
    world = ExportWorld()
    world.export(accounts=(HOME, OTHERS[0]))

    narrower = warning(world, export_again(world))

    assert narrower is not None
    assert narrower.startswith(f"Warning: run {RUN_ID} of this lake covers {OTHERS[0]} eu-central-1, and this run does")


def test_a_wider_scope_misses_nothing() -> None:
    world = ExportWorld()
    world.export()

    assert warning(world, export_again(world, regions=("eu-central-1", "us-east-1"))) is None


def test_of_many_targets_the_first_are_named() -> None:
    world = ExportWorld()
    regions = ("ap-south-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "us-east-1", "us-west-2")
    world.export(accounts=(HOME,), regions=regions)

    text = warning(world, export_again(world))

    assert text is not None
    assert f"{HOME} us-east-1 and 1 more," in text


def test_a_coverage_that_cannot_be_read_is_a_warning_and_no_obstacle() -> None:
    world = ExportWorld()
    world.export()
    world.store.objects[coverage_key(RUN_ID)] = b"damaged"  # type: ignore[attr-defined]

    text = warning(world, export_again(world))

    assert text is not None
    assert text.startswith("Warning: this run cannot be compared with the newest run of the lake: ")
