"""The questions of a probe, in their order: the sizes that patchlake uses, what it lists, and a few nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import batched
from typing import Any, Final, Protocol

from patchlake.core.records import Record, is_node_id
from patchlake.sources.instances import INSTANCES
from patchlake.sources.nodes import NODES
from patchlake.sources.patch_states import PATCH_STATES
from patchlake.sources.patches import PATCHES, STATES
from patchlake.sources.source import Operation
from patchlake.sources.tags import TAGS
from patchlake_cli.probe.answers import Answer, Chain, Instance, NoAnswer, Node, Patch, PatchState, Tag
from patchlake_cli.probe.counts import count_of
from patchlake_cli.probe.observations import Asked, Limit, NodePatches, Observations, Size, Throttle, UnknownNode

_DOCUMENTED_PAGE: Final = 100
"""The largest MaxResults of the operations about patches, by the API's reference."""

_LARGEST_PROPERTIES_PAGE: Final = 1000
_SMALLEST_TAGS_PAGE: Final = 5
_NODE_PAGES: Final = 8
_INSTANCE_PAGES: Final = 5
_PROPERTIES_PAGES: Final = 3
_PAGES: Final = 2
_STATE_CALLS: Final = 3
_SAMPLED_NODES: Final = 2


class Calls(Protocol):
    """The calls of a probe."""

    @property
    def asked(self) -> Sequence[Asked]:
        """Every call, in order."""
        ...

    @property
    def throttles(self) -> Sequence[Throttle]:
        """The throttled calls."""
        ...

    @property
    def proves_clock(self) -> bool:
        """Whether only AWS itself was asked."""
        ...

    def ask(self, operation: Operation, parameters: Mapping[str, Any]) -> Answer | NoAnswer:
        """Make a call."""
        ...


class Question[Row]:
    """One operation, whose rows are of one type."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    @property
    def permission(self) -> str:
        """The permission that it needs."""
        return f"{self._operation.service}:{self._operation.name}"

    def chain(self, calls: Calls, most_pages: int, **parameters: Any) -> Chain[Row]:  # noqa: ANN401
        """Read page after page."""
        rows: list[Row] = []
        odd = largest = 0
        token: dict[str, str] = {}
        for _ in range(most_pages):
            page = calls.ask(self._operation, {**parameters, **token})
            if isinstance(page, NoAnswer):
                return Chain(tuple(rows), odd, largest, None, page)
            rows += page.rows
            odd += page.odd_rows
            largest = max(largest, page.size)
            if page.next_token is None:
                return Chain(tuple(rows), odd, largest, page.ending, None)
            token = {"NextToken": page.next_token}
        limit = f"{self.permission}: more pages than the {most_pages} that the probe reads for one question"
        return Chain(tuple(rows), odd, largest, None, NoAnswer(limit))

    def size(self, calls: Calls, **parameters: Any) -> Size:  # noqa: ANN401
        """Read one page, and return its number of rows."""
        answer = calls.ask(self._operation, parameters)
        return answer if isinstance(answer, NoAnswer) else answer.size


def _question[Row: Record](operation: Operation, row: type[Row]) -> Question[Row]:
    """Return the question of a source's operation; its odd values are seen, too."""
    return Question(replace(operation, record=row))


LIST_NODES = _question(NODES.operation, Node)
LIST_PROPERTIES = Question[Node](
    Operation("ssm", "DescribeInstanceProperties", "InstanceProperties", Node, _LARGEST_PROPERTIES_PAGE)
)
LIST_INSTANCES = _question(INSTANCES.operation, Instance)
LIST_TAGS = _question(TAGS.operation, Tag)
READ_STATES = _question(PATCH_STATES.operation, PatchState)
READ_PATCHES = _question(PATCHES.operation, Patch)
QUESTIONS = (LIST_INSTANCES, LIST_TAGS, LIST_NODES, LIST_PROPERTIES, READ_STATES, READ_PATCHES)


def observe(calls: Calls) -> Observations:
    """Ask all questions; one that depends on an answer that did not come is not asked."""
    page = INSTANCES.operation.page_size
    instances = LIST_INSTANCES.chain(calls, _INSTANCE_PAGES, MaxResults=page, IncludeManagedResources=True)
    nodes = LIST_NODES.chain(calls, _NODE_PAGES, MaxResults=NODES.operation.page_size)
    properties = LIST_PROPERTIES.chain(calls, _PROPERTIES_PAGES, MaxResults=_LARGEST_PROPERTIES_PAGE)
    ids = [node.instance_id for node in nodes.rows if is_node_id(node.instance_id)]
    unknown_node = _ask_about_an_unknown_node(calls, ids)
    states = _states(calls, ids[: _STATE_CALLS * PATCH_STATES.operation.ids_per_call])
    patches, unfiltered = _patches(calls, [state for state in states.rows if state.instance_id in ids])
    limits = {
        "node_pages": Limit(
            NODES.operation.page_size,
            NODES.operation.page_size + 1,
            _size_of(nodes),
            LIST_NODES.size(calls, MaxResults=NODES.operation.page_size + 1),
        ),
        "instance_pages": Limit(page, page + 1, _size_of(instances), LIST_INSTANCES.size(calls, MaxResults=page + 1)),
        **_limits_of_patch_states(calls, ids),
        **_limit_of_patches(calls, ids, unfiltered),
    }
    return Observations(
        limits=limits,
        instances=instances,
        own_instances=LIST_INSTANCES.chain(calls, _PAGES, MaxResults=page),
        starred_tags=_tags(calls, {"Name": "key", "Values": ["*"]}),
        tags=_tags(calls),
        nodes=nodes,
        properties=properties,
        unknown_node=unknown_node,
        states=states,
        patches=patches,
        unfiltered=unfiltered,
        asked=calls.asked,
        throttles=calls.throttles,
        proves_clock=calls.proves_clock,
    )


def made_up_id(number: int) -> str:
    """Return an id like EC2's that no instance has."""
    return f"i-{number:017x}"


def _tags(calls: Calls, *filters: Mapping[str, Any]) -> Chain[Tag]:
    of_instances = {"Name": "resource-type", "Values": ["instance"]}
    return LIST_TAGS.chain(calls, _PAGES, MaxResults=_SMALLEST_TAGS_PAGE, Filters=[of_instances, *filters])


def _size_of(chain: Chain[Any]) -> Size:
    is_unanswered = chain.stopped is not None and not chain.rows and not chain.odd_rows
    return chain.stopped if is_unanswered and chain.stopped is not None else chain.largest_page


def _ask_about_an_unknown_node(calls: Calls, ids: Sequence[str]) -> UnknownNode:
    unknown = made_up_id(0)
    asked = [*ids[:4], unknown]
    chain = READ_STATES.chain(calls, _PAGES, InstanceIds=asked, MaxResults=PATCH_STATES.operation.page_size)
    answered = frozenset(state.instance_id for state in chain.rows)
    obstacle = chain.stopped or (None if chain.obstacle is None else NoAnswer(chain.obstacle))
    return UnknownNode(frozenset(asked), unknown, obstacle or answered)


def _states(calls: Calls, ids: Sequence[str]) -> Chain[PatchState]:
    operation = PATCH_STATES.operation
    return _joined(
        READ_STATES.chain(calls, _PAGES, InstanceIds=list(group), MaxResults=operation.page_size)
        for group in batched(ids, operation.ids_per_call, strict=False)
    )


def _limits_of_patch_states(calls: Calls, ids: Sequence[str]) -> Mapping[str, Limit]:
    operation = PATCH_STATES.operation
    most, page = operation.ids_per_call, operation.page_size
    made_up = [made_up_id(number) for number in range(most + 1)]
    padded = [*ids[:most], *made_up][:most]
    at_most = READ_STATES.size(calls, InstanceIds=padded, MaxResults=page)
    return {
        "patch_state_ids": Limit(most, most + 1, at_most, READ_STATES.size(calls, InstanceIds=made_up)),
        "patch_state_pages": Limit(
            page,
            _DOCUMENTED_PAGE,
            at_most,
            READ_STATES.size(calls, InstanceIds=made_up[:1], MaxResults=_DOCUMENTED_PAGE),
        ),
    }


def _limit_of_patches(calls: Calls, ids: Sequence[str], unfiltered: Chain[Patch]) -> Mapping[str, Limit]:
    page = PATCHES.operation.page_size
    nothing = NoAnswer("no managed node")
    beyond = READ_PATCHES.size(calls, InstanceId=ids[0], MaxResults=_DOCUMENTED_PAGE) if ids else nothing
    return {"patch_pages": Limit(page, _DOCUMENTED_PAGE, _size_of(unfiltered), beyond)}


def _patches(calls: Calls, states: Sequence[PatchState]) -> tuple[Sequence[NodePatches], Chain[Patch]]:
    """Read the patches of some nodes, those with patches in most states first."""
    sampled = sorted(states, key=_rank)[:_SAMPLED_NODES]
    page = PATCHES.operation.page_size
    unfiltered: Chain[Patch] = _joined(_first_page(calls, state.instance_id) for state in sampled)
    read = [
        (
            state,
            _filtered(calls, state.instance_id, STATES, page),
            {each: _filtered(calls, state.instance_id, [each], page) for each in STATES},
        )
        for state in sampled
        if _numbers(state)
    ]
    again = _states(calls, [state.instance_id for state, _, _ in read]).rows
    return [NodePatches(state, state in again, together, each) for state, together, each in read], unfiltered


def _first_page(calls: Calls, instance_id: str) -> Chain[Patch]:
    chain = READ_PATCHES.chain(calls, 1, InstanceId=instance_id, MaxResults=PATCHES.operation.page_size)
    # More pages are no obstacle: the first one is what was asked for.
    return chain if chain.rows == () else Chain(chain.rows, chain.odd_rows, chain.largest_page, chain.ending, None)


def _filtered(calls: Calls, instance_id: str, states: Sequence[str], page: int) -> Chain[Patch]:
    filters = [{"Key": "State", "Values": list(states)}]
    return READ_PATCHES.chain(calls, _PAGES, InstanceId=instance_id, Filters=filters, MaxResults=page)


def _numbers(state: PatchState) -> list[int]:
    """Return the counts of a node's patches in the states that patchlake asks for, without those that are 0."""
    return [number for number in (count_of(state, each) for each in STATES) if number]


def _rank(state: PatchState) -> tuple[bool, int, int]:
    """Return the place of a node among others: whose patches are on one page, in most states, and few."""
    numbers = _numbers(state)
    return sum(numbers) > PATCHES.operation.page_size, -len(numbers), sum(numbers)


def _joined[Row](chains: Any) -> Chain[Row]:  # noqa: ANN401
    """Return the rows of several questions; what stopped one of them counts."""
    found: list[Chain[Row]] = list(chains)
    return Chain(
        tuple(row for chain in found for row in chain.rows),
        sum(chain.odd_rows for chain in found),
        max((chain.largest_page for chain in found), default=0),
        None if any(chain.ending is None for chain in found) else next((chain.ending for chain in found), None),
        next((chain.stopped for chain in found if chain.stopped is not None), None if found else NoAnswer("no node")),
    )
