"""A whole probe: the session, the calls, and the findings."""

from collections.abc import Sequence
from dataclasses import dataclass

from patchlake_cli.access.sessions import open_session
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.probe.assumptions import judge
from patchlake_cli.probe.calls import PacedCalls, Timing
from patchlake_cli.probe.findings import Finding, Verdict
from patchlake_cli.probe.observations import Asked, Throttle
from patchlake_cli.probe.questions import observe

TIMING = Timing()


@dataclass(frozen=True, slots=True)
class Probe:
    """The results of a probe; nothing in it names the account or anything of it."""

    partition: str
    region: str
    asked: Sequence[Asked]
    throttles: Sequence[Throttle]
    findings: Sequence[Finding]

    def count(self, verdict: Verdict) -> int:
        """Return the number of findings with a verdict."""
        return sum(finding.verdict is verdict for finding in self.findings)

    @property
    def exit_code(self) -> ExitCode:
        """ERROR if no call was answered, PARTIAL if an assumption is refuted."""
        if not any(call.is_answer for call in self.asked):
            return ExitCode.ERROR
        return ExitCode.PARTIAL if self.count(Verdict.REFUTED) else ExitCode.COMPLETE


def run_probe(profile: str | None, region: str | None) -> Probe:
    """Ask one account and region.

    Raises:
        CommandError: there is no session, or nothing was observed.
    """
    session = open_session(profile, region, region_option="--region")
    calls = PacedCalls(session, TIMING)
    seen = observe(calls)
    name = session.region_name
    found = Probe(session.get_partition_for_region(name), name, calls.asked, calls.throttles, judge(seen))
    if found.count(Verdict.NOT_OBSERVABLE) == len(found.findings):
        raise CommandError(f"nothing can be observed: {' '.join(dict.fromkeys(calls.reasons))}")
    return found
