"""The secondary sources as the simulated builds know them: two toys, and the real ones; and the toys of the fleet."""

import dataclasses
from functools import cache
from typing import Any, NamedTuple

from patchlake.adapters.memory import MemoryApi
from patchlake.core.statuses import CollectionStatus
from patchlake.core.tables import Columns
from patchlake.sources.instances import INSTANCES
from patchlake.sources.patches import PATCHES
from patchlake.sources.registry import Registry
from patchlake.sources.source import DetailSource
from patchlake.sources.tags import TAGS
from tests.toy_sources import GADGETS, TOYS, gadget, toys_of
from tests.world import ROOT_SOURCES

LIST_GADGETS, DESCRIBE_TOYS = "ListGadgets", "DescribeToys"
OPERATIONS = (LIST_GADGETS, DESCRIBE_TOYS)


def _declared(source: DetailSource) -> dict[str, Any]:
    return {each.name: getattr(source, each.name) for each in dataclasses.fields(source)}


_TOYS, _PATCHES = _declared(TOYS), _declared(PATCHES)
"""Read before any mutant can alter them: a registry is kept for longer than a mutant."""


class KnownToys(NamedTuple):
    """The toys as one build knows them."""

    nodes_per_part: int
    asks_version: int = 1


@cache
def registry(known: KnownToys | None, patches_per_part: int | None, *, lists_ec2: bool) -> Registry:
    """Return the sources of a build; one that does not know the toys is of an edition before all secondary sources.

    Args:
        known: the toys.
        patches_per_part: the nodes of a part of the patches; None in an edition before them.
        lists_ec2: whether the edition has instances and tags.
    """
    if known is None:
        return ROOT_SOURCES
    rule = {} if known.asks_version == 1 else {"asks_about": _collected}
    toys = DetailSource(**_TOYS | known._asdict() | rule)
    patches = () if patches_per_part is None else (DetailSource(**_PATCHES | {"nodes_per_part": patches_per_part}),)
    ec2 = (INSTANCES, TAGS) if lists_ec2 else ()
    return Registry(ROOT_SOURCES.nodes, ROOT_SOURCES.patch_states, (GADGETS, toys, *patches, *ec2))


def _collected(states: Columns) -> list[str]:
    """Return the nodes that the second version of the rule asks about: all that are collected."""
    rows = zip(states["instance_id"], states["collection_status"], strict=True)
    return [instance_id for instance_id, status in rows if status == CollectionStatus.COLLECTED]


def equip(api: MemoryApi, instance_id: str, serial: int) -> None:
    """Give a node a gadget, and two toys, one or none."""
    api.others.setdefault(LIST_GADGETS, {})[f"gadget-{serial:04d}"] = [gadget(serial)]
    api.others.setdefault(DESCRIBE_TOYS, {})[instance_id] = toys_of(instance_id)[: serial % 3]


def strip(api: MemoryApi, instance_id: str) -> None:
    """Take a node's toys away, and a gadget."""
    api.others[DESCRIBE_TOYS].pop(instance_id)
    api.others[LIST_GADGETS].pop(min(api.others[LIST_GADGETS]))
