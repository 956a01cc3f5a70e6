"""The files of the repository that the wheel carries, and those that `patchlake template` writes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import hatch_build
from patchlake_cli.embedded.cloudformation.template import read_template
from patchlake_cli.project_files import DEPLOYABLE, sql_files, template_path, write_deployable
from tests.command_line import PATCHLAKE, patchlake_here

ROOT = Path(__file__).parents[2]


def tracked() -> list[str]:
    """Return the paths of the files in version control."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.split("\0")


def files_in(folder: Path) -> Iterator[str]:
    return (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_wheel_carries_the_sql_and_everything_that_is_deployed() -> None:
    assert set(hatch_build.PACKED) == {"analytics", *DEPLOYABLE}


def test_a_checkout_reads_its_own_files() -> None:
    with template_path() as path:
        assert path.samefile(ROOT / "template.yaml")
    assert [file.name for file in sql_files("views")] == sorted(path.name for path in ROOT.glob("analytics/views/*"))


def test_what_is_written_to_deploy_is_what_the_repository_deploys(tmp_path: Path) -> None:
    write_deployable(tmp_path / "written")

    tops = (*DEPLOYABLE, "layers/patchlake")
    expected = {path for path in tracked() if any(path == top or path.startswith(f"{top}/") for top in tops)}
    written = set(files_in(tmp_path / "written"))
    assert written == expected
    assert all((tmp_path / "written" / path).read_bytes() == (ROOT / path).read_bytes() for path in written)


def test_everything_that_the_template_names_is_written(tmp_path: Path) -> None:
    write_deployable(tmp_path)

    for resource in read_template(tmp_path / "template.yaml")["Resources"].values():
        properties = resource.get("Properties", {})
        for name in {"CodeUri", "ContentUri", "TemplateURL"} & properties.keys():
            assert (tmp_path / properties[name]).exists()


def test_the_command_writes_to_a_new_or_empty_folder_only(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "samconfig.toml").write_text("mine")

    ended = {
        name: patchlake_here({}, "template", "--out", tmp_path / name) for name in ("new", "empty", "file", "full")
    }

    assert {name: each.returncode for name, each in ended.items()} == {"new": 0, "empty": 0, "file": 2, "full": 2}
    assert set(files_in(tmp_path / "new")) == set(files_in(tmp_path / "empty"))
    assert list(files_in(tmp_path / "full")) == ["samconfig.toml"]
    assert "expected a folder that is new or empty" in ended["full"].stderr


def test_a_command_that_was_killed_can_be_repeated(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-1" / "functions").mkdir(parents=True)

    ended = patchlake_here({}, "template", "--out", tmp_path)

    assert (ended.returncode, (tmp_path / "template.yaml").is_file()) == (0, True)


def test_a_folder_that_cannot_be_written_is_named_in_one_line() -> None:
    ended = patchlake_here({}, "template", "--out", "/proc/patchlake")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith("patchlake: /proc/patchlake cannot be written: ")


@pytest.mark.parametrize("is_new", [True, False])
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(tmp_path: Path, is_new: bool) -> None:  # noqa: FBT001
    out = tmp_path / "out"
    if not is_new:
        out.mkdir()
    # A file of more than three blocks cannot be written; some of those before it can.
    line = f"ulimit -f 3 && {PATCHLAKE} template --out {out}"

    ended = subprocess.run(["/bin/bash", "-c", line], capture_output=True, text=True, check=False, timeout=60)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"patchlake: {out} cannot be written: File too large\n"
    assert list(tmp_path.rglob("*")) == ([] if is_new else [out])


def test_the_working_folder_can_be_written_to(tmp_path: Path) -> None:
    ended = patchlake_here({}, "template", "--out", ".", folder=tmp_path)

    assert ended.returncode == 0
    assert (tmp_path / "template.yaml").is_file()
