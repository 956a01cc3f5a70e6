"""Fixtures that several levels share."""

import os

import pytest

from patchlake.adapters.memory import MemoryTables
from patchlake.adapters.parquet import ParquetTables
from patchlake.ports import TableFormat


@pytest.fixture(params=[MemoryTables, ParquetTables])
def tables(request: pytest.FixtureRequest) -> TableFormat:
    """Both forms of a table: a test that takes this runs over each."""
    made: TableFormat = request.param()
    return made


def pytest_xdist_auto_num_workers() -> int:
    """Keep the processors busy while tests wait for processes, queues and the disk."""
    return (os.process_cpu_count() or 1) + 1
