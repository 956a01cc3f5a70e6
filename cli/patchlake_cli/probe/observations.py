"""The observations of a probe: the facts for its verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from patchlake_cli.probe.answers import Chain, Instance, NoAnswer, Node, Patch, PatchState, Tag

type Size = int | NoAnswer
"""The number of rows of the largest page, or why there is none."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call.

    Attributes:
        operation: the operation, named as its permission.
        seconds: the time to its answer.
        ahead_seconds: how far the ``Date`` header of the answer is ahead of the local clock; None without one.
        is_answer: whether there is an answer that can be used.
    """

    operation: str
    seconds: float
    ahead_seconds: float | None
    is_answer: bool


@dataclass(frozen=True, slots=True)
class Throttle:
    """A throttled call; the service is not asked again.

    Attributes:
        quota_code: the code of the quota in Service Quotas, if the service names one.
    """

    service: str
    operation: str
    code: str
    quota_code: str | None


@dataclass(frozen=True, slots=True)
class Limit:
    """The answers to a question of a size that is allowed, and to one of a size that is not.

    Attributes:
        allowed: the largest size that patchlake asks for.
        beyond: a larger size.
        at_allowed: the answer to a question of the allowed size.
        at_beyond: the answer to a larger question.
    """

    allowed: int
    beyond: int
    at_allowed: Size
    at_beyond: Size


@dataclass(frozen=True, slots=True)
class UnknownNode:
    """The answer about some nodes and one that SSM does not know.

    Attributes:
        asked: the ids of the call, the unknown one included.
        unknown: the unknown one.
        answered: the ids of the answer's rows, or why there is none.
    """

    asked: frozenset[str]
    unknown: str
    answered: frozenset[str] | NoAnswer


@dataclass(frozen=True, slots=True)
class NodePatches:
    """The patches of one node.

    Attributes:
        state: the state that was read before.
        is_steady: whether the same state was read again afterwards.
        together: the patches in all states that patchlake asks for, by one filter.
        each: the patches in each of these states, by a filter of its own.
    """

    state: PatchState
    is_steady: bool
    together: Chain[Patch]
    each: Mapping[str, Chain[Patch]]


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything that a probe saw.

    Attributes:
        limits: by the name of the assumption about each.
        instances: with those that AWS services operate.
        own_instances: without them.
        starred_tags: the first tags whose key passes the filter ``*``.
        tags: the first tags of all instances.
        nodes: by DescribeInstanceInformation.
        properties: by DescribeInstanceProperties.
        states: of the first nodes.
        patches: of some nodes with patches in many states.
        unfiltered: the first patches of some nodes, in any state.
    """

    asked: Sequence[Asked]
    throttles: Sequence[Throttle]
    proves_clock: bool
    limits: Mapping[str, Limit]
    instances: Chain[Instance]
    own_instances: Chain[Instance]
    starred_tags: Chain[Tag]
    tags: Chain[Tag]
    nodes: Chain[Node]
    properties: Chain[Node]
    unknown_node: UnknownNode
    states: Chain[PatchState]
    patches: Sequence[NodePatches]
    unfiltered: Chain[Patch]
