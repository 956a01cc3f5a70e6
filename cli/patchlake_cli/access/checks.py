"""Checks of access: one harmless call for each permission that an export needs. Nothing is kept."""

import os
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from patchlake.adapters.directory import DirectoryStore
from patchlake.adapters.s3 import S3Store
from patchlake.core.halving import is_unknown_id
from patchlake.core.keys import CREATED_ONCE, LAKE, PLANS
from patchlake.core.plan import Plan
from patchlake.core.records import NodeRecord
from patchlake.core.targets import Target
from patchlake.core.timings import LISTING_PAUSE_SECONDS
from patchlake.errors import PatchlakeError, RefusedError, RetryableError
from patchlake.ports import Delivery, Store, TargetApi, TargetApis
from patchlake.sources.instances import INSTANCES
from patchlake.sources.patches import PATCHES
from patchlake.sources.registry import SOURCES
from patchlake.sources.source import DetailSource, Source
from patchlake.sources.tags import TAGS
from patchlake.stages.throttled_calls import ThrottledCalls
from patchlake_cli.access.permissions import SOURCE_PERMISSIONS, SSM_PERMISSIONS, Permission
from patchlake_cli.lake.location import NO_ACCESS

AT_ONCE = 8
"""The number of targets to check at the same time."""

ABSENT_KEY = f"{PLANS}absent.json"
"""A key that no run has, so the answer is either "no such object" or a refusal."""

UNKNOWN_NODE = "i-00000000000000000"
"""The node to ask about in a target without nodes; SSM returns no state for it."""

OK = "ok"
OWN = "own account"
UNTRIED = "-"
ANY_TAG_KEY = "Owner"
"""The tag key to ask for: EC2 answers whether or not an instance has it."""

_ROOT_STEPS = ("role", "list_nodes", "read_patch_states")
_SOURCE_STEPS: Mapping[str, Source] = {"read_patches": PATCHES, "list_instances": INSTANCES, "list_tags": TAGS}
STEPS = (*_ROOT_STEPS, *_SOURCE_STEPS)
"""The steps in one target, by the attribute of ``TargetCheck`` that has the result."""


@dataclass(frozen=True, slots=True)
class TargetCheck:
    """The result of each step in one target: OK, UNTRIED, or an error code.

    Attributes:
        detail: the full error messages.
        missing: the missing permissions, if these are the reason.
    """

    target: Target
    role: str = UNTRIED
    list_nodes: str = UNTRIED
    read_patch_states: str = UNTRIED
    read_patches: str = UNTRIED
    list_instances: str = UNTRIED
    list_tags: str = UNTRIED
    detail: str | None = None
    missing: tuple[Permission, ...] = ()

    @property
    def works(self) -> bool:
        """Whether an export could read this target, secondary sources aside: they change no status of a run."""
        return self.read_patch_states == OK


def check_targets(plan: Plan, apis: TargetApis, pause: Callable[[float], None] | None = None) -> Iterator[TargetCheck]:
    """Check every active target of a plan, several at a time; yield the results in the plan's order.

    A target that throttles is asked again, as by an export, for at most ``LISTING_PAUSE_SECONDS``.

    Args:
        plan: the plan.
        apis: of its targets.
        pause: waits for some seconds; by default until they are over, or the results are no longer wanted.
    """
    stopping = Event()

    def wait(seconds: float) -> None:
        stopping.wait(seconds)

    def check(target: Target) -> TargetCheck:
        calls = ThrottledCalls(
            f"{target.account_id} {target.region}",
            Delivery("", "", receive_count=1),
            pause or wait,
            random.random,
            LISTING_PAUSE_SECONDS,
        )
        return _check_target(target, plan, apis, calls)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="check") as threads:
        try:
            yield from threads.map(check, plan.active_targets())
        finally:
            stopping.set()


def _check_target(target: Target, plan: Plan, apis: TargetApis, calls: ThrottledCalls) -> TargetCheck:
    check = TargetCheck(target)
    try:
        api = calls.call(lambda: apis.open(plan, target))
        check = replace(check, role=OWN if target.account_id == plan.home_account_id else OK)
        ask = partial(_ask, calls, api)
        nodes = ask(SOURCES.nodes)
        node = nodes[0].instance_id if nodes else UNKNOWN_NODE
        check = replace(check, list_nodes=OK)
        ask(SOURCES.patch_states, node)
        check = replace(check, read_patch_states=OK)
    except PatchlakeError as error:
        failed = next(step for step in _ROOT_STEPS if getattr(check, step) == UNTRIED)
        return _failed(check, failed, error, SSM_PERMISSIONS)
    for step, source in _SOURCE_STEPS.items():
        check = _check_source(check, step, source, partial(ask, source, node))
    return check


def _check_source(check: TargetCheck, step: str, source: Source, ask: Callable[[], object]) -> TargetCheck:
    try:
        ask()
    except PatchlakeError as error:
        return _failed(check, step, error, (SOURCE_PERMISSIONS[source.name],))
    return _with(check, step, OK)


def _ask(calls: ThrottledCalls, api: TargetApi, source: Source, node: str = UNKNOWN_NODE) -> Sequence[NodeRecord]:
    """Return the rows of one call; that the service does not know the node is an answer.

    Raises:
        RetryableError: a row has no id, so an export could not say which node or instance it is.
    """
    try:
        ids = [node] if isinstance(source, DetailSource) else ()
        page = calls.call(lambda: api.page(source.operation, ids, None))
    except RefusedError as error:
        if is_unknown_id(error.code):
            return ()
        raise
    if without_id := sum(row.instance_id is None for row in page.invalid):
        raise RetryableError(
            f"{source.operation.name}: rows without an id: {without_id:,} of the first "
            f"{len(page.rows):,}. An export counts them in rows_without_id, and is PARTIAL"
        )
    return page.records


def _failed(check: TargetCheck, step: str, error: PatchlakeError, permissions: tuple[Permission, ...]) -> TargetCheck:
    """Note that a step failed, which may need permissions."""
    match error:
        case RefusedError(listing_status="ROLE_NOT_ASSUMABLE"):
            missing: tuple[Permission, ...] = (Permission.ASSUME_ROLE,)
        case RefusedError(listing_status="ACCESS_DENIED"):
            missing = permissions
        case _:
            missing = ()
    found = error.code if isinstance(error, RefusedError) else "failed"
    detail = "; ".join(filter(None, (check.detail, str(error))))
    return replace(_with(check, step, found), detail=detail, missing=(*check.missing, *missing))


def _with(check: TargetCheck, step: str, found: str) -> TargetCheck:
    return replace(check, **{step: found})  # type: ignore[arg-type]  # each step is a text


def check_folder(folder: Path) -> str | None:
    """Store and remove an object where an export would, and return what is wrong, if anything.

    The object is in a temporary folder of its own, so no object of a lake changes. Where there is no lake yet, this is
    the folder in which the lake would be created.
    """
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    try:
        with TemporaryDirectory(prefix=".patchlake-check-", dir=there) as own:
            DirectoryStore(Path(own)).create(ABSENT_KEY, b"")
    except (OSError, PatchlakeError) as error:
        return f"cannot write to {there}: {error}"
    tops = [there / top for top in CREATED_ONCE]
    inside = [each for each in (*tops, *(there / LAKE).glob("*")) if each.is_dir()]
    closed = [str(each) for each in inside if not os.access(each, os.R_OK | os.W_OK | os.X_OK)]
    return f"cannot write to {', '.join(closed)}: {NO_ACCESS}" if closed else None


def check_store(store: Store) -> PatchlakeError | None:
    """Read from a lake and return what is wrong, if anything; only a write would show whether a bucket takes one.

    The whole listing is read, since one that never ends begins like any other.
    """
    try:
        deque(store.keys(PLANS), maxlen=0)
        store.get(ABSENT_KEY)
        if isinstance(store, S3Store):
            store.require_conditional_writes()
    except PatchlakeError as error:
        return error
    return None
