"""``python -m tests.e2e.broken_deployments``: break the stack in one way after another; 1 when the checks miss one.

`make verify` deploys the stack as it is. This program shows that its checks fail where one resource, permission or
variable is broken, and which mistakes MiniStack cannot show. It takes a minute or two for each mistake.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from rich.console import Console

from patchlake_cli.embedded.aws.server import start_server
from patchlake_cli.embedded.cloudformation.template import Template
from tests.e2e.deployed_checks import CHECKS
from tests.e2e.deployment import SETTINGS, deploy
from tests.e2e.ministack import running_ministack
from tests.e2e.tools import Build, build_stack


@dataclass(frozen=True)
class Mistake:
    """A mistake in the template.

    Attributes:
        name: a sentence about the stack that has it.
        make: changes the template, in place.
        unseen: the reason why no check can fail on MiniStack; empty if one has to.
    """

    name: str
    make: Callable[[Template], object]
    unseen: str = ""


def _properties(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def _without(name: str) -> Callable[[Template], object]:
    """Remove a resource."""
    return lambda template: template["Resources"].pop(name)


def _without_property(name: str, *path: str) -> Callable[[Template], object]:
    """Remove a property of a resource."""

    def change(template: Template) -> None:
        found = _properties(template, name)
        for part in path[:-1]:
            found = found[part]
        del found[path[-1]]

    return change


def _without_variable(function: str, name: str) -> Callable[[Template], object]:
    """Remove a variable of a function's environment."""
    return _without_property(function, "Environment", "Variables", name)


def _without_statement(role: str, sid: str) -> Callable[[Template], object]:
    """Remove a statement of a role's policy."""

    def change(template: Template) -> None:
        [policy] = _properties(template, role)["Policies"]
        statements = policy["PolicyDocument"]["Statement"]
        statements.remove(_statement(statements, sid))

    return change


def _without_last_resource(role: str, sid: str) -> Callable[[Template], object]:
    """Remove the last resource of a statement of a role's policy."""

    def change(template: Template) -> None:
        [policy] = _properties(template, role)["Policies"]
        _statement(policy["PolicyDocument"]["Statement"], sid)["Resource"].pop()

    return change


def _statement(statements: list[dict[str, Any]], sid: str) -> dict[str, Any]:
    """Return the statement of that id, which may depend on a condition."""
    [found] = [each for each in statements if sid in {each.get("Sid"), each.get("Fn::If", ["", {}])[1].get("Sid")}]
    return found


def _without_last_layer(template: Template) -> None:
    template["Globals"]["Function"]["Layers"].pop()


def _with_another_handler(template: Template) -> None:
    template["Globals"]["Function"]["Handler"] = "app.handler"


def _without_versions(template: Template) -> None:
    _properties(template, "Bucket")["VersioningConfiguration"]["Status"] = "Suspended"


def _with_another_source(template: Template) -> None:
    """Let the queue of secondary listings feed collect, not discover."""
    events = _properties(template, "DiscoverFunction")["Events"]
    _properties(template, "CollectFunction")["Events"]["ListingQueue"] = events.pop("ListingQueue")


BY_THE_EMBEDDED_AWS = "the embedded AWS answers SSM, EC2, Organizations and STS, and does not know the roles"
BY_MINISTACK_ITSELF = "MiniStack does it with rights of its own"
BY_ANOTHER_ANSWER = "MiniStack answers 404 for a missing key, also without s3:ListBucket"
NOT_IN_A_RUN = "nothing in a run or in a command needs it"

MISTAKES = (
    Mistake("plan knows no bucket", _without_variable("PlanFunction", "PATCHLAKE_BUCKET")),
    Mistake("discover knows no queue of batches", _without_variable("DiscoverFunction", "PATCHLAKE_COLLECT_QUEUE_URL")),
    Mistake("collect knows no queue of slices", _without_variable("CollectFunction", "PATCHLAKE_DETAIL_QUEUE_URL")),
    Mistake("commit knows no queue of its own", _without_variable("CommitFunction", "PATCHLAKE_COMMIT_QUEUE_URL")),
    Mistake("plan reads no tags", _without_variable("PlanFunction", "PATCHLAKE_TAG_KEYS")),
    Mistake("plan may not write plans", _without_statement("PlanRole", "WritePlans")),
    Mistake("plan may not send to commit", _without_last_resource("PlanRole", "SendMessages")),
    Mistake("discover may not write shards", _without_statement("DiscoverRole", "WriteShards")),
    Mistake("discover may not send batches", _without_statement("DiscoverRole", "SendMessages")),
    Mistake("collect may not write details", _without_last_resource("CollectRole", "WriteParts")),
    Mistake(
        "collect may not read snapshots", _without_last_resource("CollectRole", "ReadPlansShardsPartsAndSnapshots")
    ),
    Mistake("commit may not write tags", _without_last_resource("CommitRole", "WriteTombstonesAndTables")),
    Mistake("commit may not send dead letters", _without_last_resource("CommitRole", "SendMessages")),
    Mistake("commit may not list", _without_statement("CommitRole", "TellMissingKeys")),
    Mistake("commit may not defer", _without_statement("CommitRole", "ReceiveMessages")),
    Mistake("no queue of slices feeds collect", _without_property("CollectFunction", "Events", "DetailQueue")),
    Mistake("the queue of listings feeds collect", _with_another_source),
    Mistake("commit's queue has no dead letters", _without_property("CommitQueue", "RedrivePolicy")),
    Mistake("collect's queue has no dead letters", _without_property("CollectQueue", "RedrivePolicy")),
    Mistake("collect's queue hides messages for 30 seconds", _without_property("CollectQueue", "VisibilityTimeout")),
    Mistake("the functions lack our layer", _without_last_layer),
    Mistake("the functions have another handler", _with_another_handler),
    Mistake("the bucket keeps no versions", _without_versions),
    Mistake("the bucket has no policy", _without("BucketPolicy")),
    Mistake("failed events of plan are lost", _without_property("PlanFunction", "EventInvokeConfig")),
    Mistake("there is no schedule", _without_property("PlanFunction", "Events", "Schedule")),
    Mistake("the alarms reach no one", _without("AlarmSubscription")),
    Mistake("the log of commit is kept forever", _without_property("CommitLogs", "RetentionInDays")),
    Mistake(
        "discover may not list nodes",
        _without_statement("DiscoverRole", "ListNodesInstancesAndTags"),
        BY_THE_EMBEDDED_AWS,
    ),
    Mistake(
        "collect may not assume roles", _without_statement("CollectRole", "AssumeMemberRoles"), BY_THE_EMBEDDED_AWS
    ),
    Mistake("plan may not tell a missing key", _without_statement("PlanRole", "TellMissingKeys"), BY_ANOTHER_ANSWER),
    Mistake("discover may not log", _without_statement("DiscoverRole", "Log"), BY_MINISTACK_ITSELF),
    Mistake("collect may not receive", _without_statement("CollectRole", "ReceiveMessages"), BY_MINISTACK_ITSELF),
    Mistake("Scheduler may not invoke plan", _without_statement("SchedulerRole", "InvokePlan"), NOT_IN_A_RUN),
    Mistake("there is no alarm of missed runs", _without("RunMissedAlarm"), NOT_IN_A_RUN),
)


def found_by(mistake: Mistake, build: Build) -> str:
    """Return what fails for a stack with a mistake, and how; nothing if all checks pass."""
    with (
        TemporaryDirectory() as folder,
        start_server(SETTINGS) as aws,
        running_ministack(aws.endpoint.region, aws.endpoint) as cloud,
    ):
        try:
            deployment = deploy(build, cloud, aws, Path(folder), mistake.make)
        except AssertionError:
            return "sam deploy"
        for check in CHECKS:
            try:
                check(deployment)
            except subprocess.TimeoutExpired:
                return f"{check.__name__} (it does not end)"
            except AssertionError:
                return check.__name__
    return ""


def main() -> int:
    """Deploy the stack with each mistake."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.broken_deployments", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="WORDS", help="in the name of a mistake (default: all)")
    wanted = parser.parse_args().names or [""]
    console, wrong = Console(highlight=False, soft_wrap=True), 0
    with TemporaryDirectory() as folder:
        build = build_stack(Path(folder))
        for mistake in MISTAKES:
            if not any(words in mistake.name for words in wanted):
                continue
            begun = monotonic()
            found = found_by(mistake, build)
            wrong += bool(found) == bool(mistake.unseen)
            outcome = found.replace("_", " ") or (f"not seen: {mistake.unseen}" if mistake.unseen else "MISSED")
            console.print(f"{monotonic() - begun:5.0f} s  {mistake.name}: {outcome}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
