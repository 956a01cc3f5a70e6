"""docs/cli.md equals the help of the commands, and the help is complete."""

import re

from typer.main import get_command

from generators.documents.commands import PATH, WIDTH, commands_page
from patchlake_cli.main import app


def test_the_page_is_not_stale() -> None:
    assert PATH.read_text(encoding="utf-8") == commands_page(), "run `make generate`"


def test_every_command_has_its_section() -> None:
    commands = re.findall(r"^## patchlake ([\w-]+)$", commands_page(), re.MULTILINE)

    assert sorted(commands) == sorted(getattr(get_command(app), "commands", {})) != []


def test_each_command_has_an_example_of_its_own() -> None:
    for section in commands_page().split("\n## ")[1:]:
        name = section.split("\n", 1)[0]
        assert re.search(rf"^  Example: {name} ", section, re.MULTILINE), name


def test_every_command_says_how_it_ends() -> None:
    for section in commands_page().split("\n## ")[1:]:
        assert "Exit codes: 0" in section, section.split("\n", 1)[0]


def test_it_is_plain_text_of_a_fixed_width() -> None:
    page = commands_page()

    assert "\x1b" not in page
    assert max(map(len, page.splitlines())) <= WIDTH + 20


def test_completion_can_be_installed() -> None:
    options = [name for parameter in get_command(app).params for name in parameter.opts]

    assert {"--install-completion", "--show-completion"} <= set(options)
