"""Fixtures that several levels share."""

import gc
import os
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader

from patchlake.adapters.memory import MemoryTables
from patchlake.adapters.parquet import ParquetTables
from patchlake.ports import TableFormat

LONG_FILES = (
    "simulation/test_schedules.py",
    "e2e/test_documented_patchlake.py",
    "e2e/test_installed_command.py",
    "e2e/test_interoperability.py",
    "e2e/test_soak.py",
    "e2e/test_whole_demo.py",
    "e2e/test_deployment.py",
    "e2e/test_export_killed.py",
    "e2e/test_pacing_of_patches.py",
    "e2e/test_built_run.py",
    "e2e/test_demo.py",
    "e2e/test_hosts_that_die.py",
    "e2e/test_package.py",
    "e2e/test_templates.py",
)
"""Those that take longest among the files that are tested together, the longest first."""


@pytest.fixture(scope="session", autouse=True)
def one_copy_of_the_service_models() -> Iterator[None]:
    """Let all sessions of a process share the SDK's models: to read those of one service takes 0.1 to 0.3 seconds."""
    models: dict[Any, Any] = {}

    def create_loader(data_path: str | None) -> Loader:
        loader = create(data_path)
        loader._cache = models  # type: ignore[attr-defined]  # noqa: SLF001
        return loader

    with pytest.MonkeyPatch.context() as patch:
        create = botocore.session.create_loader
        patch.setattr(botocore.session, "create_loader", create_loader)
        yield


@pytest.fixture(params=[MemoryTables, ParquetTables])
def tables(request: pytest.FixtureRequest) -> TableFormat:
    """Both forms of a table: a test that takes this runs over each."""
    made: TableFormat = request.param()
    return made


def pytest_configure() -> None:
    """Look for circles of garbage seldom: the tests make many objects and few circles."""
    gc.set_threshold(100_000, 50, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, so that no process still has one when the others have nothing left."""
    places = {name: place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: places.get(f"{item.path.parent.name}/{item.path.name}", len(places)))


def pytest_collection_finish() -> None:
    """Leave alone what stays: the modules and the tests are most of what each search would go through."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let Python take its modules down as usual: DuckDB reports what is left."""
    gc.unfreeze()


def pytest_xdist_auto_num_workers() -> int:
    """Keep the processors busy while tests wait for processes, queues and the disk."""
    return (os.process_cpu_count() or 1) + 1
