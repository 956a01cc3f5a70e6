"""At least one wrong value for each option of each command: one line that names the option, or what was given.

The options come from the command itself, so a new one fails here until it has a wrong value.
"""

import sys
from pathlib import Path

import pytest
from typer.core import TyperOption

from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.main import run_command_line
from tests.analytics.synthetic import collected, listed, write_run
from tests.command_options import options

RUN_ID = "20261112T060000Z"
REQUIRED = {
    "query": ["--lake=lake", "--named=not_read"],
    "report": ["--lake=lake"],
    "export": ["--lake=new"],
    "status": ["--stack=x"],
    "run": ["--stack=x"],
    "redrive": ["--stack=x"],
}
"""What a command needs in addition to the option."""

WRONG = {
    "--accounts": ["11112222333", "all", ""],
    "--as-of": ["29.10.2026", "yesterday"],
    "--batch-size": ["0"],
    "--connections": ["many"],
    "--csv-table": ["=x.csv"],
    "--days": ["61"],
    "--deadline": ["1"],
    "--describe": ["nope"],
    "--detail-deadline": ["1h"],
    "--exclude-accounts": ["11112222333", "*"],
    "--external-id": ["a"],
    "--file": ["nope.sql", "lake", ""],
    "--format": ["xml"],
    "--history-days": ["0"],
    "--lake": ["", "s3://"],
    "--limit": ["0", "-1", "many"],
    "--named": ["nope"],
    "--nodes": ["-1"],
    "--out": ["file/x", ""],
    "--param": ["nothing"],
    "--policy": ["nope", "file", ""],
    "--profile": ["no-such-profile"],
    "--queue": ["nope"],
    "--region": ["Frankfurt", ""],
    "--regions": ["Frankfurt", ""],
    "--role-name": ["a b"],
    "--runs": ["0"],
    "--scan-max-age-days": ["-1"],
    "--scheduled-time": ["tomorrow"],
    "--seed": ["x"],
    "--stack": ["Has_Capitals"],
    "--tag-keys": ["Own*"],
    "--goal": ["101", "0", "-1", "95.55", "many", "nan", "1e2"],
    "--title": ["\udcff", ""],
    "--window-days": ["7.5"],
}
"""Values that no command accepts."""

OF_ONE_COMMAND = {
    (command, option): [value]
    for command in ("demo", "embedded-aws")
    for option, value in (("--accounts", "0"), ("--regions", "11"))
}
"""Options of the same name with another meaning."""


def wrong_values(command: str, option: TyperOption) -> list[str]:
    """Return the arguments that give an option a wrong value; a flag takes none."""
    if option.is_flag:
        return [f"{each}=x" for each in (*option.opts, *option.secondary_opts) if each.startswith("--")]
    values = OF_ONE_COMMAND.get((command, option.opts[0])) or WRONG.get(option.opts[0], [])
    return [f"{option.opts[0]}={value}" for value in values]


EVERY_OPTION = [(name, option.opts[0], wrong_values(name, option)) for name, option in options()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a lake of one run, and a file."""
    folder = tmp_path_factory.mktemp("wrong")
    write_run(folder / "lake", RUN_ID, [listed(1)], [collected(RUN_ID, 1)])
    (folder / "file").write_text("")
    return folder


@pytest.mark.parametrize(("command", "option", "arguments"), EVERY_OPTION)
def test_a_wrong_value_of_an_option_is_one_line_that_names_it(  # noqa: PLR0913, PLR0917
    folder: Path,
    command: str,
    option: str,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert arguments, f"{command} {option} has no wrong value here"
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    for argument in arguments:
        # A query is one question: by its name, from a file, or about a table.
        instead = "--named" if option in {"--file", "--describe"} else option
        required = [other for other in REQUIRED.get(command, []) if not other.startswith(f"{instead}=")]
        monkeypatch.setattr(sys, "argv", ["patchlake", command, *required, argument])

        code = run_command_line()

        said = capsys.readouterr()
        assert code in {ExitCode.USAGE, ExitCode.ERROR}, said
        assert (said.out, said.err.count("\n")) == ("", 1), argument
        assert said.err.startswith("patchlake: "), argument
        assert "Traceback" not in said.err
        name, _, value = argument.partition("=")
        assert name in said.err or (len(value) > 1 and value in said.err), said.err
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("command", "option"), [(name, option.opts[0]) for name, option in options() if not option.is_flag]
)
def test_no_error_about_an_option_repeats_the_password_in_an_address(
    folder: Path,
    command: str,
    option: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    address = "s3://someone:open sesame@bucket/a?token=sesame"
    value = f"name={address}" if option == "--csv-table" else address
    monkeypatch.setattr(sys, "argv", ["patchlake", command, f"{option}={value}", address])

    run_command_line()

    said = capsys.readouterr()
    assert "sesame" not in said.err + said.out
