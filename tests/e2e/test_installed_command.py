"""The release, and the command that its wheel installs: it needs nothing of the checkout."""

import re
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest
from pyarrow import parquet

from generators.lakes import demo_lake, sample_arguments
from generators.release import CHECKSUMS, write_release
from patchlake import __version__
from patchlake_cli.lake.statements import queries
from patchlake_cli.project_files import write_deployable
from tests.e2e.installed_command import Installed, checksum, install
from tests.e2e.tools import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SECONDS = 1_800_000_000
WHEEL = f"patchlake-{__version__}-py3-none-any.whl"
SOURCE = f"patchlake-{__version__}.tar.gz"
TEMPLATE = f"patchlake-template-{__version__}"

ASK = """
import sys
from patchlake_cli.main import run_command_line
for line in sys.stdin:
    sys.argv = ["patchlake", *line.rstrip("\\n").split("\\t")]
    print("exit code", run_command_line())
"""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release."""
    folder = tmp_path_factory.mktemp("release")
    write_release(folder, SECONDS)
    return folder


@pytest.fixture(scope="module")
def installed(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The command that the release's wheel installs."""
    return install(release / WHEEL, tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="module")
def demo(installed: Installed) -> Path:
    """The folder of a demo of the installed command."""
    ended = installed.patchlake("demo", "--nodes", "300", "--days", "1")
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    assert "Run 20261101T060000Z is PARTIAL" in ended.stdout
    assert "Next: patchlake query --lake demo" in ended.stdout
    return installed.folder / "demo"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_release_has_the_same_bytes_each_time(release: Path, tmp_path: Path) -> None:
    write_release(tmp_path, SECONDS)

    assert contents(tmp_path) == contents(release)
    assert contents(release).keys() == {WHEEL, SOURCE, f"{TEMPLATE}.zip", CHECKSUMS}


def test_the_checksums_are_those_of_the_other_files(release: Path) -> None:
    listed = [line.split("  ") for line in (release / CHECKSUMS).read_text(encoding="utf-8").splitlines()]

    assert {name: value for value, name in listed} == {
        file.name: checksum(file) for file in release.iterdir() if file.name != CHECKSUMS
    }


def test_the_source_archive_builds_the_same_wheel(release: Path, tmp_path: Path) -> None:
    with tarfile.open(release / SOURCE) as archive:
        archive.extractall(tmp_path, filter="data")

    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel"],
        cwd=tmp_path / SOURCE.removesuffix(".tar.gz"),
        env={"SOURCE_DATE_EPOCH": str(SECONDS)},
        check=True,
        capture_output=True,
    )

    [wheel] = tmp_path.glob("*/dist/*.whl")
    assert (wheel.name, checksum(wheel)) == (WHEEL, checksum(release / WHEEL))


def test_the_wheel_says_who_made_it_what_it_is_and_that_it_has_types(release: Path) -> None:
    with ZipFile(release / WHEEL) as wheel:
        names = set(wheel.namelist())
        metadata = wheel.read(f"patchlake-{__version__}.dist-info/METADATA").decode()

    assert {"patchlake/py.typed", "patchlake_cli/py.typed"} <= names
    assert f"patchlake-{__version__}.dist-info/licenses/LICENSE" in names
    assert {name.partition("/")[0] for name in names} == {
        "patchlake",
        "patchlake_cli",
        f"patchlake-{__version__}.dist-info",
    }
    for field in ("Author", "Classifier", "Description-Content-Type", "Keywords", "License-Expression", "Summary"):
        assert re.search(f"^{field}: .", metadata, re.MULTILINE), field
    assert "Provides-Extra" not in metadata


def test_the_packaged_template_is_what_the_command_writes(release: Path, installed: Installed, tmp_path: Path) -> None:
    write_deployable(tmp_path / "checkout")
    expected = contents(tmp_path / "checkout")
    with ZipFile(release / f"{TEMPLATE}.zip") as archive:
        packaged = {name.removeprefix(f"{TEMPLATE}/"): archive.read(name) for name in archive.namelist()}

    ended = installed.patchlake("template", "--out", "written")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("Next: cd written && sam build && sam deploy --guided\n")
    # `build` of conftest.py builds it with sam.
    assert contents(installed.folder / "written") == packaged == expected


def test_the_command_is_installed_with_all_that_it_imports(installed: Installed) -> None:
    ended = installed.patchlake("--version")
    where = installed.run("python", "-c", "import patchlake, patchlake_cli; print(*patchlake_cli.__path__)")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"patchlake {__version__}\n", "")
    assert Path(where.stdout.strip()).is_relative_to(installed.environment)


def test_every_named_query_has_an_answer(installed: Installed, demo: Path) -> None:
    arguments = sample_arguments(demo_lake(demo))
    lines = []
    for query in queries():
        given = zip(query.parameters, arguments.get(query.name, ()), strict=True)
        options = [word for parameter, value in given for word in ("--param", f"{parameter.name}={value}")]
        lines.append(["query", "--lake", "demo", "--named", query.name, *options])

    asked = installed.run("python", "-c", ASK, given="".join("\t".join(line) + "\n" for line in lines))

    *answers, rest = re.split(r"^exit code (?:0|3)\n", asked.stdout, flags=re.MULTILINE)
    assert (len(answers), rest) == (len(lines), ""), asked.stderr
    assert all(answers)


def test_the_installed_command_writes_the_report_of_the_demo(installed: Installed, demo: Path) -> None:
    ended = installed.patchlake("report", "--lake", "demo", "--out", "again.html")

    assert ended.returncode == 3, ended.stderr
    assert (installed.folder / "again.html").read_bytes() == (demo / "report.html").read_bytes()


def test_the_five_commands_of_the_readme_lead_from_nothing_to_a_report_of_every_account(installed: Installed) -> None:
    [block] = re.findall(r"^```\n(pipx install .*?)^```$", README, re.MULTILINE | re.DOTALL)
    with_pipx, embedded, export, report, query = block.splitlines()
    assert with_pipx == f"pipx install {WHEEL}"
    assert embedded == "patchlake embedded-aws"
    # The wheel is installed, into another folder, and with locked versions: the rest is typed.
    with installed.embedded_aws("--nodes", "300") as variables:
        exported, reported, queried = (
            installed.run(program, *arguments, variables=variables)
            for program, *arguments in (line.split() for line in (export, report, query))
        )

    assert [ended.returncode for ended in (exported, reported, queried)] == [3, 3, 3], exported.stderr + reported.stderr
    assert "777788889999" in queried.stdout
    assert "not read: 777788889999 eu-central-1 (ROLE_NOT_ASSUMABLE)" in reported.stderr
    [snapshot] = (installed.folder / "try" / "lake" / "patch_states").rglob("*.parquet")
    assert parquet.read_metadata(snapshot).metadata[b"patchlake_version"].decode() == __version__
    page = (installed.folder / "report.html").read_text(encoding="utf-8")
    assert [account in page for account in ("platform", "payments", "research")] == [True] * 3


def test_the_installed_command_exports_from_the_installed_embedded_aws(installed: Installed) -> None:
    with installed.embedded_aws("--nodes", "300", "--accounts", "1") as variables:
        export = installed.patchlake("export", "--lake", "other", **variables)
        status = installed.patchlake("status", "--stack", "patchlake", **variables)

    assert export.returncode == 0, export.stderr
    assert "is COMPLETE" in export.stdout
    assert (status.returncode, status.stderr) == (3, ""), "the stack has no run yet"
