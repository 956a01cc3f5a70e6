"""Every `patchlake` command of the documents runs, in a folder and on a stack as they describe."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from patchlake_cli.embedded.aws.server import start_server
from patchlake_cli.embedded.aws.settings import Settings
from patchlake_cli.embedded.cloudformation.deploy import deploy
from patchlake_cli.embedded.lambda_.pipeline import running_pipeline
from patchlake_cli.embedded.laptop_stack import trusted_callers
from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.lake.location import MARKER
from tests.analytics import story
from tests.command_line import patchlake, patchlake_here, variables
from tests.command_lines import DOCUMENTS, ROOT, command_lines

LINES = sorted({line for document in DOCUMENTS for line in command_lines(document)})
TOOL = re.compile(r"^patchlake ")
TYPED = {TOOL.sub("", line) for line in LINES if TOOL.match(line)}
UNTIL_CTRL_C = {command for command in TYPED if command.split()[0] == "embedded-aws"}
"""These never end by themselves; test_installed_command.py and test_embedded_aws_functions.py type them."""
COMMANDS = sorted(TYPED - UNTIL_CTRL_C)
DOCUMENTED_TIME, TIME = "2026-11-23T06:00:00Z", "2026-11-01T06:00:00Z"
ORGANIZATION = "--accounts organization --role-name patchlake-export"
DONE = {ExitCode.COMPLETE, ExitCode.PARTIAL}


@dataclass(frozen=True)
class Desk:
    """A folder and a shell in which the documents' commands are typed."""

    folder: Path
    environment: dict[str, str]
    bucket: str

    def type(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the tool, with names of this desk in place of the documents'."""
        here = command.replace("BUCKET", self.bucket).replace(DOCUMENTED_TIME, TIME)
        words = shlex.split(here, comments=True)
        run = patchlake if words[0] in {"export", "run"} else patchlake_here
        return run(self.environment, *words, folder=self.folder)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The lakes of a demo, of an export and of the evidence, a policy, owners as a file, and a stack with one run."""
    folder = tmp_path_factory.mktemp("desk")
    story.tell(folder / "evidence")
    for page in ("queries.md", "policy.md"):
        for name, text in _csv_files(ROOT / "docs" / page):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    settings = Settings(nodes=300)
    with start_server(settings) as aws:
        parameters = {
            "Accounts": "organization",
            "Regions": ",".join(settings.region_list()),
            "TickSeconds": "1",
            "RetrySeconds": "0",
        }
        stack = deploy(ROOT / "template.yaml", aws.endpoint, stack_name="patchlake", parameters=parameters)
        aws.change(trusted_callers=trusted_callers(stack))
        with running_pipeline(stack, aws.endpoint, lambda *_: None, concurrency=1):
            desk = Desk(folder, variables(aws.endpoint), stack.bucket)
            # The bytes of a demo, by test_demo.py, without the seconds that its functions take to start.
            regions = ",".join(settings.region_list())
            assert desk.type(f"export --lake demo {ORGANIZATION} --regions {regions}").returncode in DONE
            (folder / "demo" / MARKER).touch()
            assert desk.type("export --lake lake").returncode in DONE
            account = f"export --lake account --regions {regions} --patches --instances --tag-keys Owner"
            assert desk.type(account).returncode in DONE
            assert desk.type(f"run --stack patchlake --scheduled-time {TIME}").returncode in DONE
            yield desk


def _csv_files(document: Path) -> list[tuple[str, str]]:
    """Return the name and the text of each CSV file of a document."""
    text = document.read_text(encoding="utf-8")
    return re.findall(r"^`([a-z0-9/.]+)`:\n\n```csv\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command_does_what_it_is_for(desk: Desk, command: str) -> None:
    ended = desk.type(command)

    assert ended.returncode in DONE, ended.stderr
    assert ended.stdout
