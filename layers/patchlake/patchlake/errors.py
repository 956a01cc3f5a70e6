"""Every error that patchlake raises on purpose, and what each one makes of the message at hand.

::

    PatchlakeError
    ├── ConfigError        a variable of the environment is missing or wrong: the function does not start
    ├── InputError         a malformed event or message: it stays in its queue and ends in the dead-letter queue
    ├── RetryableError     this message failed and comes back later; nothing was recorded
    │   ├── RestartError   a chain of pages cannot go on and must be asked for from its start
    │   ├── ThrottledError the service wants fewer calls: the worker pauses and asks again, while its time lasts
    │   ├── OutOfTimeError the invocation's time is nearly over: the message goes back before Lambda ends the worker
    │   ├── UnlistableError a listing cannot be completed: recorded with its reason if that lasts
    │   └── NotReadyError  the run is not complete yet: commit looks again at the next tick
    │       └── NoPlanError    it has no plan yet: commit looks again, less often each time
    ├── PermanentError     AWS refuses, and goes on refusing until somebody mends it
    │   └── RefusedError   a target's account or region refuses to be read: recorded in the snapshot if that lasts
    └── IntegrityError     stored objects contradict each other: dead-letter queue and alarm, never a snapshot

Callers catch a branch, never ``Exception``. Messages say which run, account and region, what was expected and what to
do.
"""


class PatchlakeError(Exception):
    """The root: whatever patchlake raises on purpose."""


class ConfigError(PatchlakeError):
    """A variable of the environment is missing or wrong; the text names it, its value and what was expected."""


class InputError(PatchlakeError):
    """An event or message that no retry can make right."""


class RetryableError(PatchlakeError):
    """A passing failure: only this message fails, and it comes back."""


class RestartError(RetryableError):
    """The chain of pages is broken (token refused, body cut short): ask again from the first page."""


class ThrottledError(RetryableError):
    """The service wants fewer calls, also after the SDK's own retries."""


class OutOfTimeError(RetryableError):
    """The invocation's time is nearly over, and the work is not done; nothing of it is kept."""


class UnlistableError(RetryableError):
    """A target's nodes cannot all be listed.

    Attributes:
        detail: what a shard records of it, should it last.
    """

    def __init__(self, detail: str, text: str) -> None:
        """Keep what a shard records beside the text for people."""
        super().__init__(text)
        self.detail = detail


class NotReadyError(RetryableError):
    """The run has neither every part nor reached its deadline; commit looks again at the next tick."""


class NoPlanError(NotReadyError):
    """The run has no plan yet; commit looks again, less often each time."""


class PermanentError(PatchlakeError):
    """A failure that no retry will mend, but perhaps a person: the message comes back until it is a dead letter."""


class RefusedError(PermanentError):
    """A target refuses to be read; recorded if it lasts, and then the message is acknowledged.

    Attributes:
        listing_status: what a shard records of it (``ROLE_NOT_ASSUMABLE``, ``ACCESS_DENIED`` or ``REGION_DISABLED``).
        code: the AWS error code.
    """

    def __init__(self, listing_status: str, code: str, text: str) -> None:
        """Keep what a shard or a part records beside the text for people."""
        super().__init__(text)
        self.listing_status = listing_status
        self.code = code


class IntegrityError(PatchlakeError):
    """Stored objects contradict each other or cannot be read; nothing is published from them."""
