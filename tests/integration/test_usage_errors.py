"""Errors about the command line: one line each, in one style, without the wording of a library.

The options come from the commands themselves, so a new one is tested too.
"""

import os
import re

import pytest
from typer.core import TyperArgument, TyperOption

from patchlake_cli.exit_codes import ExitCode
from tests.command_line import patchlake_here
from tests.command_options import commands, options

SHELL = {name: value for name, value in os.environ.items() if not name.startswith("PATCHLAKE_")}
FOREIGN = re.compile(
    r"invalid value|no such|unexpected|requires|does not take|missing (option|argument)|possible options|error:|click|"
    r"<\w+>|\(env var",
    re.IGNORECASE,
)
"""The words of the library below."""

OPTIONS = [(name, option) for name, option in options()]
VALUED = [(name, each, option.metavar) for name, option in OPTIONS if not option.is_flag for each in option.opts]
FLAGS = [(name, each) for name, option in OPTIONS if option.is_flag for each in (*option.opts, *option.secondary_opts)]
REQUIRED = [(name, option) for name, option in OPTIONS if option.required]


def refused(*typed: str) -> str:
    """Return the error of a command line, without the program's name and the hint."""
    ended = patchlake_here(SHELL, *typed)

    assert (ended.returncode, ended.stdout) == (ExitCode.USAGE, "")
    [line] = ended.stderr.splitlines()
    assert FOREIGN.search(line) is None
    command = f" {typed[0]}" if typed[0] in commands() else ""
    said, _, hint = line.partition(" Run `")
    assert hint == f"patchlake{command} --help` for usage."
    return said.removeprefix("patchlake: ")


@pytest.mark.parametrize(("command", "option", "metavar"), VALUED)
def test_an_option_without_its_value_says_what_to_write(command: str, option: str, metavar: str) -> None:
    assert refused(command, option) == f"{option} has no value: write {option} {metavar}."


@pytest.mark.parametrize(("command", "option"), [(name, option) for name, option in OPTIONS if not option.multiple])
def test_an_option_that_is_given_twice_is_refused_since_one_value_would_be_ignored(
    command: str, option: TyperOption
) -> None:
    first, last = option.opts[0], (*option.opts, *option.secondary_opts)[-1]
    typed = [first, last] if option.is_flag else [f"{first}=1", last, "2"]

    assert refused(command, *typed) == f"{first} is given more than once: write it once."


@pytest.mark.parametrize(("command", "option"), [each for each in FLAGS if each[1].startswith("--")])
def test_a_flag_with_a_value_is_refused(command: str, option: str) -> None:
    assert refused(command, f"{option}=yes") == f"{option} takes no value."


@pytest.mark.parametrize(("command", "option"), [(name, option.opts[0]) for name, option in OPTIONS])
def test_a_misspelt_option_is_answered_with_the_right_one(command: str, option: str) -> None:
    said = refused(command, f"{option}y")

    assert said.startswith(f'{option}y is not an option of {command}; did you mean "--')
    assert said.endswith(f'{option}"?')


@pytest.mark.parametrize(("command", "option"), REQUIRED, ids=str)
def test_an_option_that_is_missing_is_named_with_its_variable(command: str, option: object) -> None:
    [name, metavar, variable] = [getattr(option, each) for each in ("opts", "metavar", "envvar")]

    assert refused(command) == f"{name[0]} is missing: write {name[0]} {metavar}, or set {variable}."


@pytest.mark.parametrize("command", commands())
def test_a_text_too_many_is_named(command: str) -> None:
    takes_text = any(isinstance(parameter, TyperArgument) for parameter in commands()[command].params)
    texts = ["SELECT 1", "surplus"] if takes_text else ["surplus"]
    required = [f"{option.opts[0]}=x" for name, option in REQUIRED if name == command]

    said = refused(command, *required, *texts)

    takes = "one argument, in quotes" if takes_text else "only options"
    assert said == f"'surplus' is not expected: {command} takes {takes}."


@pytest.mark.parametrize("command", commands())
def test_a_misspelt_command_is_answered_with_the_right_one(command: str) -> None:
    assert refused(f"{command}y") == f"'{command}y' is not a command; did you mean \"{command}\"?"


def test_options_of_the_program_itself_are_refused_in_the_same_style() -> None:
    assert refused("--versoin") == '--versoin is not an option of patchlake; did you mean "--version"?'
    assert refused("--version=1") == "--version takes no value."
    assert refused("-x") == "-x is not an option of patchlake."


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=str)
def test_a_metavar_says_what_a_value_is(command: str, option: object) -> None:
    metavar = getattr(option, "metavar", None)

    assert getattr(option, "is_flag", False) or re.fullmatch(r"[\w|=:/-]+", metavar or ""), command


@pytest.mark.parametrize("command", commands())
def test_a_help_shows_no_type_of_the_library(command: str) -> None:
    ended = patchlake_here(SHELL | {"COLUMNS": "200"}, command, "--help")

    assert ended.returncode == 0
    assert re.search(r"<\w+>|\[(str|int|text|integer)\]", ended.stdout) is None
