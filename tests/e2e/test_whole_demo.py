"""Whole demos: what people and the documents see of one with default options, and that a seed decides its bytes."""

import re
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from generators.documents.queries import answered_questions
from generators.lakes import demo_lake
from tests.command_line import PATCHLAKE
from tests.e2e.tools import TIMEOUT_SECONDS

README = Path(__file__).parents[2] / "README.md"
DOCS = README.with_name("docs")
QUERIES = DOCS / "queries.md"
ARGUMENTS = (PATCHLAKE, "demo", "--nodes", "300")


def demo(out: Path, *options: str) -> None:
    ended = subprocess.run(
        [*ARGUMENTS, "--days", "2", "--out", out, *options], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def published(out: Path) -> dict[str, str]:
    """Return the checksum of every published object of a demo's folder, and of the report."""
    files = [*sorted((out / "lake").rglob("*.parquet")), out / "report.html"]
    return {str(file.relative_to(out)): sha256(file.read_bytes()).hexdigest() for file in files}


def test_one_seed_gives_the_same_bytes_with_faults_and_without_and_after_a_kill(tmp_path: Path) -> None:
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    demo(undisturbed)
    killed = subprocess.Popen([*ARGUMENTS, "--days", "1", "--out", disturbed], stderr=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        killed.wait(timeout=3)
    killed.kill()
    killed.communicate()
    demo(disturbed, "--faults")

    assert published(disturbed) == published(undisturbed)
    assert retries(undisturbed) == 0
    assert retries(disturbed) > 0


def retries(out: Path) -> float:
    """Return the number of retried calls of all runs, from the functions' logs."""
    log = (out / "functions.log").read_text(encoding="utf-8")
    return sum(float(found) for found in re.findall(r'"SsmRetries":\[([0-9.]+)\]', log))


@pytest.fixture(scope="module")
def whole_demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of a demo with default options, and its output."""
    folder = tmp_path_factory.mktemp("whole")
    ended = subprocess.run(
        [PATCHLAKE, "demo"], capture_output=True, text=True, check=True, timeout=TIMEOUT_SECONDS, cwd=folder
    )
    return folder, ended.stdout


def test_people_see_the_summary_the_refused_account_and_three_answers(whole_demo: tuple[Path, str]) -> None:
    _, printed = whole_demo

    assert "Run 20261101T060000Z is PARTIAL: 4 of 6 targets read" in printed
    assert "ROLE_NOT_ASSUMABLE" in printed
    for question in ("Compliance by account", "Worst patch groups", "What is unknown, or was not read"):
        assert question in printed
    assert "Report: demo/report.html" in printed
    assert "\x1b" not in printed


def test_the_samples_in_the_docs_are_answers_of_the_demo(whole_demo: tuple[Path, str]) -> None:
    answered = answered_questions(demo_lake(whole_demo[0] / "demo"))

    assert answered in QUERIES.read_text(encoding="utf-8"), "run `make generate`"


def shown_in(page: Path) -> str:
    """Return the output of the demo that a page shows."""
    [shown] = re.findall(r"\$ patchlake demo\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return str(shown)


def test_the_docs_show_what_the_demo_prints(whole_demo: tuple[Path, str]) -> None:
    assert words(shown_in(DOCS / "demo.md")) == words(whole_demo[1])


def test_the_readme_shows_lines_that_the_demo_prints_in_their_order() -> None:
    printed = iter(shown_in(DOCS / "demo.md").splitlines())

    assert [line for line in shown_in(README).splitlines() if line not in printed] == []


def words(text: str) -> list[str]:
    """Return a text's words, without the duration and the path of the command."""
    return re.sub(r"retries, [0-9.]+ s", "retries", text).replace(str(PATCHLAKE), "patchlake").split()
