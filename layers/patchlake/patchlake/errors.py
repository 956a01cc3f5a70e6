"""The errors that patchlake raises on purpose, and the effect of each one on the current message.

::

    PatchlakeError
    ├── ConfigError        an environment variable is missing or wrong: the function does not start
    ├── InputError         a malformed event or message: it stays in its queue and ends in the dead-letter queue
    ├── RetryableError     this message failed and comes back later; nothing was recorded
    │   ├── FailedCallError  the service failed: the ids of the call are asked about again, in halves
    │   ├── RestartError   a chain of pages cannot continue and must be requested from its start
    │   │   └── BrokenAnswerError  an answer with status 200 is not usable: that page is requested again first
    │   ├── ThrottledError the service throttles: the worker pauses and asks again, while its time lasts
    │   ├── OutOfTimeError the invocation's time is nearly over: the message goes back before Lambda ends the worker
    │   ├── UnknownSourceError this build does not know the source: the message waits until the run is published
    │   └── NotReadyError  the run is not complete yet: commit checks again at the next tick
    │       └── NoPlanError    it has no plan yet: commit checks again, less often each time
    ├── PermanentError     AWS refuses, and keeps refusing until someone fixes the cause
    │   └── RefusedError   a target's account or region refuses to be read: recorded in the snapshot if that lasts
    └── IntegrityError     stored objects contradict each other: dead-letter queue and alarm, never a snapshot

Callers catch a branch, never ``Exception``. Messages name the run, account and region, what was expected and what to
do.
"""


class PatchlakeError(Exception):
    """The root of all errors that patchlake raises on purpose."""


class ConfigError(PatchlakeError):
    """An environment variable is missing or wrong; the text names it, its value and what was expected."""


class InputError(PatchlakeError):
    """An event or message that no retry can correct."""


class RetryableError(PatchlakeError):
    """A transient failure: only this message fails, and it comes back."""


class FailedCallError(RetryableError):
    """The service failed, or gave no answer.

    Attributes:
        code: of the error.
    """

    def __init__(self, code: str, text: str) -> None:
        """Keep the code in addition to the message."""
        super().__init__(text)
        self.code = code


class RestartError(RetryableError):
    """The chain of pages is broken (a refused token): request it again from the first page.

    Attributes:
        code: recorded for an id whose chains are always broken.
    """

    code = "BrokenChain"


class BrokenAnswerError(RestartError):
    """An answer of status 200 is cut short, lacks its list or is an error: request that page again, then the chain."""

    code = "BrokenAnswer"


class ThrottledError(RetryableError):
    """The service still throttles after the SDK's own retries."""


class OutOfTimeError(RetryableError):
    """The invocation's time is nearly over before the work is done; no result is kept."""


class UnknownSourceError(RetryableError):
    """This build does not read the source of the message, as after a rollback; the run goes on without it."""


class NotReadyError(RetryableError):
    """The run lacks a part and has not reached its deadline; commit checks again at the next tick."""


class NoPlanError(NotReadyError):
    """The run has no plan yet; commit checks again, less often each time."""


class PermanentError(PatchlakeError):
    """A failure that only a person can fix: the message comes back until it is a dead letter."""


class RefusedError(PermanentError):
    """A target refuses to be read, with an error of 4xx; a lasting refusal is recorded, the message acknowledged.

    Attributes:
        listing_status: the status that a shard records: ``ROLE_NOT_ASSUMABLE``, ``ACCESS_DENIED``, ``REGION_DISABLED``,
            or ``NOT_LISTED`` for every other code.
        code: the AWS error code, or the HTTP status of an answer without one.
        operation: the refused operation.
    """

    def __init__(self, listing_status: str, code: str, text: str, operation: str = "") -> None:
        """Keep the status and code of a shard or part in addition to the message."""
        super().__init__(text)
        self.listing_status = listing_status
        self.code = code
        self.operation = operation


class IntegrityError(PatchlakeError):
    """Stored objects contradict each other or cannot be read; nothing is published from them."""
