"""A garbage collector that leaves alone what stays: a schedule makes many objects, and hardly any circle of them."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def collect_garbage_seldom() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    yield
    gc.set_threshold(*usual)
    gc.unfreeze()
