"""Checks for the usual misconfigurations of a deployed stack, each with its fix.

A check yields its findings; a check that is denied access or gets no answer is *unknown*, never passed. `CHECKS` lists
them.
"""

from collections.abc import Mapping

from patchlake_cli.exit_codes import CommandError
from patchlake_cli.operations import lake_checks, service_checks
from patchlake_cli.operations.findings import Check, Checked, Verdict
from patchlake_cli.operations.stack import Stack

CHECKS: Mapping[str, Check] = {
    "schedule": service_checks.check_schedule,
    "event sources": service_checks.check_event_sources,
    "dead letters": service_checks.check_dead_letters,
    "runs": lake_checks.check_runs,
    "targets": lake_checks.check_targets,
    "sources": lake_checks.check_sources,
    "alarm topic": service_checks.check_alarm_topic,
    "bucket policy": lake_checks.check_bucket_policy,
    "versions": lake_checks.check_versions,
    "encryption key": lake_checks.check_encryption_key,
    "history": lake_checks.check_history,
    "retention": lake_checks.check_retention,
    "log retention": service_checks.check_log_retention,
    "concurrency": service_checks.check_concurrency,
}
"""The checks by name, in the order of the output."""


def check_all(stack: Stack) -> list[Checked]:
    """Run every check."""
    return [_checked(name, check, stack) for name, check in CHECKS.items()]


def _checked(name: str, check: Check, stack: Stack) -> Checked:
    try:
        findings = tuple(check(stack))
    except CommandError as error:
        return Checked(name, Verdict.UNKNOWN, reason=str(error))
    return Checked(name, Verdict.FINDING if findings else Verdict.OK, findings)
