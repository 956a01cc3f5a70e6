"""Running many schedules, and telling the story of those that fail."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation.checking import Violation
from tests.simulation.faults import Fault
from tests.simulation.provocation import ANY, Provocation
from tests.simulation.schedule import Schedule, Tally


@dataclass(frozen=True, slots=True)
class Failure:
    """A schedule in which an invariant does not hold.

    Attributes:
        without: faults that are not needed for that.
        story: what happened without them, and how to replay it.
    """

    seed: int
    invariant: str
    without: tuple[Fault, ...]
    story: str


@dataclass
class Exploration:
    """The results of a range of schedules."""

    tally: Tally = field(default_factory=Tally)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: "Exploration") -> None:
        """Add another range to this one."""
        self.tally.add(other.tally)
        self.failures += other.failures


def explore(seeds: Iterable[int]) -> Exploration:
    """Play the schedules of all ``seeds``."""
    found = Exploration()
    for seed in seeds:
        schedule, violation = play(seed)
        found.tally.add(schedule.tally)
        if violation is not None:
            found.failures.append(_shortest(seed, violation, schedule))
    return found


def play(seed: int, without: Iterable[Fault] = (), provocation: Provocation = ANY) -> tuple[Schedule, Violation | None]:
    """Play one schedule; return it with the violation that ended it, if one did."""
    schedule = Schedule(seed, without, provocation)
    try:
        schedule.run()
    except Violation as violation:
        return schedule, violation
    except BaseException as error:
        error.add_note(f"in the schedule of seed {seed}")
        raise
    return schedule, None


def tell(seed: int, schedule: Schedule, violation: Violation | None, without: Iterable[Fault]) -> str:
    """Return a schedule's story, its end, and the command that replays it."""
    leaving_out = "".join(f" --without '{fault}'" for fault in without)
    return "\n".join(
        (
            f"seed {seed}",
            *schedule.world.story.lines(),
            "no violation" if violation is None else str(violation),
            f"replay: python -m tests.simulation --replay {seed}{leaving_out}",
        )
    )


def _shortest(seed: int, violation: Violation, schedule: Schedule) -> Failure:
    """Leave out one kind of fault after another, as long as the same invariant breaks."""
    without: tuple[Fault, ...] = ()
    for fault, _ in schedule.tally.faults.most_common():
        shorter, same = play(seed, (*without, fault))
        if same is not None and same.invariant == violation.invariant:
            without, schedule, violation = (*without, fault), shorter, same
    return Failure(seed, violation.invariant, without, tell(seed, schedule, violation, without))
