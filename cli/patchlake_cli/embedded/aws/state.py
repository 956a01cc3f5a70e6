"""The state of a running embedded AWS in addition to moto's, and the counts of its calls."""

from collections import Counter
from threading import Lock

from msgspec import Struct

from patchlake_cli.embedded.aws.clock import SimulatedClock
from patchlake_cli.embedded.aws.faults import Fault, Faults
from patchlake_cli.embedded.aws.lambda_api import Functions
from patchlake_cli.embedded.aws.settings import Conditions, Settings


class CallCount(Struct, frozen=True, kw_only=True):
    """The number of calls of an operation.

    Attributes:
        service: its name in signatures, such as ``ssm``; empty for unsigned requests.
        operation: its name, or the HTTP method where the request does not name one (S3).
        account_id: of the caller.
        region: that the request was signed for.
        calls: all of them.
        retries: the calls that repeat another one: in SSM, one of the same day with the same content, from
            any caller; elsewhere, those that the SDK marks.
    """

    service: str
    operation: str
    account_id: str
    region: str
    calls: int
    retries: int


class Statistics(Struct, frozen=True, kw_only=True):
    """The calls since the start, the last reset, or the start of the last day.

    Attributes:
        calls: by service, operation, account and region.
        most_ids: the largest number of ids in one call of DescribeInstancePatchStates, refused calls included.
        faults: the number of faults of each kind.
    """

    calls: list[CallCount]
    most_ids: int
    faults: dict[str, int]

    def count(self, service: str, operation: str | None = None) -> int:
        """Count the calls of a service, or of one operation of it."""
        return sum(call.calls for call in self.calls if call.service == service and operation in {None, call.operation})

    def retries(self, service: str) -> int:
        """Count the calls of a service that repeated another."""
        return sum(call.retries for call in self.calls if call.service == service)


type Operation = tuple[str, str, str, str]
"""Service, operation, account id and region of a call."""


class Counts:
    """Counts calls and faults, from many threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._calls: Counter[Operation] = Counter()
            self._retries: Counter[Operation] = Counter()
            self._faults: Counter[Fault] = Counter()
            self._most_ids = 0

    def call(self, operation: Operation, *, is_retry: bool) -> None:
        """Count a call."""
        with self._lock:
            self._calls[operation] += 1
            self._retries[operation] += is_retry

    def ids(self, number: int) -> None:
        """Record the number of ids of a call."""
        with self._lock:
            self._most_ids = max(self._most_ids, number)

    def fault(self, fault: Fault) -> None:
        """Count a fault."""
        with self._lock:
            self._faults[fault] += 1

    def statistics(self) -> Statistics:
        """Return the counts so far."""
        with self._lock:
            calls = [
                CallCount(
                    service=service,
                    operation=operation,
                    account_id=account_id,
                    region=region,
                    calls=calls,
                    retries=self._retries[service, operation, account_id, region],
                )
                for (service, operation, account_id, region), calls in sorted(self._calls.items())
            ]
            return Statistics(
                calls=calls,
                most_ids=self._most_ids,
                faults={fault.value: met for fault, met in sorted(self._faults.items())},
            )


class State:
    """The day, the clock, the conditions, the faults and the counts of one embedded AWS.

    Args:
        settings: the settings of the embedded AWS.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.fleet = settings.fleet()
        self.accounts = settings.account_list()
        self.home_account_id = self.accounts[0].account_id
        self.counts = Counts()
        self.faults = Faults(settings.seed)
        self.clock = SimulatedClock(self.fleet.run_at(0))
        self.conditions = settings.conditions
        self.day = 0
        self.functions = Functions()
        self.bucket_policies: dict[str, bytes] = {}
        """By bucket."""
        self.sessions: set[str] = set()
        """Access keys of all roles assumed so far."""
        self.expired_sessions: frozenset[str] = frozenset()
        """Those of them that SSM no longer accepts."""

    def begin_day(self, day: int) -> None:
        """Move the fleet to a day, set the clock to the time of its run, and reset the counts of calls and attempts.

        Raises:
            ValueError: the fleet has no such day.
        """
        self.clock.set(self.fleet.run_at(day))
        self.day = day
        self.faults.begin(day)
        self.counts.clear()

    def change(self, conditions: Conditions) -> None:
        """Change the conditions; calls that are being answered may still see the old ones."""
        self.conditions = conditions

    def expire_sessions(self) -> None:
        """Expire every role assumed so far; roles assumed from now on are valid."""
        self.expired_sessions |= self.sessions

    def reset(self) -> None:
        """Return to the settings' conditions and to the first day; roles assumed so far have expired."""
        self.expire_sessions()
        self.change(self.settings.conditions)
        self.begin_day(0)
