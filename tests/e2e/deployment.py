"""The stack as `sam deploy` makes it of the build, on MiniStack, with the fleet of our embedded AWS."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from patchlake.adapters.parquet import ParquetTables
from patchlake.core.keys import table_key
from patchlake_cli.embedded.aws.server import EmbeddedAws
from patchlake_cli.embedded.aws.settings import Settings
from patchlake_cli.embedded.cloudformation.template import Template, read_template
from tests.command_line import PATCHLAKE
from tests.e2e.ministack import MiniStack
from tests.e2e.ministack_gaps import without_gaps
from tests.e2e.tools import Build, run

SETTINGS = Settings(nodes=150, accounts=2)
STACK = "patchlake"
PARAMETERS = {
    "Architecture": "x86_64",
    "Accounts": "organization",
    "Regions": ",".join(SETTINGS.region_list()),
    "RoleName": SETTINGS.role_name,
    "TagKeys": "Environment,Owner",
    "BatchSize": "50",
    "TickSeconds": "1",
    "AlarmEmail": "operators@example.com",
}


@dataclass(frozen=True)
class Deployment:
    """A deployed stack.

    Attributes:
        cloud: where it is, with the credentials of an administrator.
        aws: the embedded AWS that has its fleet.
        patience_seconds: the longest time that a command may take.
    """

    cloud: MiniStack
    aws: EmbeddedAws
    patience_seconds: int = 120

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The outputs of the stack."""
        [stack] = self.cloud.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    @cached_property
    def run_id(self) -> str:
        """The one run of the stack, which the first use starts and follows."""
        now = datetime.now(UTC)
        # The two clouds have one time.
        self.aws.set_clock(now)
        at = now.replace(second=0, microsecond=0).isoformat()
        ended = self.patchlake("run", "--stack", STACK, "--scheduled-time", at, "--json")
        assert ended.returncode == 0, ended.stderr
        found: str = json.loads(ended.stdout)["run_id"]
        return found

    def patchlake(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command as an administrator.

        Raises:
            subprocess.TimeoutExpired: it has not ended in time.
        """
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return subprocess.run(
            [PATCHLAKE, *arguments],
            env=ours | self.cloud.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=self.patience_seconds,
        )

    def columns(self, table: str) -> dict[str, list[Any]]:
        """Return the columns of a table that the run has published."""
        key = table_key(self.run_id, table)
        body = self.cloud.client("s3").get_object(Bucket=self.outputs["BucketName"], Key=key)["Body"].read()
        file = ParquetTables().open(body)
        return {name: list(values) for name, values in file.columns(file.column_names).items()}

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table that the run has published."""
        columns = self.columns(table)
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def deploy(
    build: Build,
    cloud: MiniStack,
    aws: EmbeddedAws,
    folder: Path,
    change: Callable[[Template], object] = lambda _: None,
) -> Deployment:
    """Deploy the build.

    Args:
        build: of the stack.
        cloud: where it is deployed.
        aws: has the fleet.
        folder: for the templates as they are deployed.
        change: the template of the stack, in place.
    """
    template, analytics = (read_template(build.folder / part / "template.yaml") for part in ("", "Analytics"))
    # A tick of the deployed stack is a minute at least, for the sake of its costs.
    del template["Parameters"]["TickSeconds"]["MinValue"]
    without_gaps([template, analytics])
    change(template)
    template["Resources"]["Analytics"]["Properties"]["TemplateURL"] = "analytics.json"
    for resource in template["Resources"].values():
        for location in {"CodeUri", "ContentUri"} & resource["Properties"].keys():
            resource["Properties"][location] = str(build.folder / resource["Properties"][location])
    for name, written in (("template", template), ("analytics", analytics)):
        (folder / f"{name}.json").write_text(json.dumps(written), encoding="utf-8")
    deployed = run(
        *("sam", "deploy", "--template-file", folder / "template.json", "--stack-name", STACK),
        *("--no-confirm-changeset", "--no-progressbar", "--resolve-s3"),
        *("--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"),
        *("--parameter-overrides", *(f"{name}={value}" for name, value in PARAMETERS.items())),
        environment=cloud.environment | {"SAM_CLI_POLL_DELAY": "1"},
        folder=folder,
    )
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    return Deployment(cloud, aws)
