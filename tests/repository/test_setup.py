"""The setup script with fakes for Python and uv: the Python that it chooses, and when it starts over."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = ["pyproject.toml", "layers/patchlake/patchlake/__init__.py"]
MADE_FROM = ["requirements.txt", "verify/sam.txt", *PROJECT, "scripts/setup"]
SYSTEM_COMMANDS = ["cat", "cksum", "cp", "dirname", "head", "mkdir", "rm", "sh"]

# A Python that is new enough, makes environments with a copy of itself, and logs its arguments.
NEW_PYTHON = """#!/bin/sh
printf '%s %s\\n' "$0" "$*" >>"$LOG"
case "$*" in
"-m venv --clear "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
"-m pip"*) [ ! -e fail ] ;;
esac
"""
PYTHON_3_14 = f"{NEW_PYTHON}case \"$*\" in *'[:2] == (3, 13)'*) exit 1 ;; esac\n"
PYTHON_3_13 = f"{NEW_PYTHON}case \"$*\" in *'[:2] == (3, 14)'*) exit 1 ;; esac\n"
OLD_PYTHON = "#!/bin/sh\nexit 1\n"
SHIM_OF_A_VERSION_NOT_SELECTED = "#!/bin/sh\nexit 127\n"
WITHOUT_ENSUREPIP = '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\n'


class Machine:
    """A machine with only basic commands and a test's programs on PATH, and a clone of the project."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.path = folder / "bin"
        self.home = folder / "home"
        self.log = folder / "log"
        self.path.mkdir(parents=True)
        for command in SYSTEM_COMMANDS:
            (self.path / command).symlink_to(shutil.which(command) or command)
        for name in MADE_FROM:
            (self.project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.project / name)

    def put(self, program: Path, script: str) -> None:
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(script)
        program.chmod(0o755)

    def set_up(self, *tool: str) -> subprocess.CompletedProcess[str]:
        """Run the script with an empty log of calls."""
        self.log.write_text("")
        environment = {"PATH": os.fspath(self.path), "HOME": os.fspath(self.home), "LOG": os.fspath(self.log)}
        command = [os.fspath(self.project / "scripts" / "setup"), *tool]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def asked(self, what: str) -> list[str]:
        """Return the programs that were called with these arguments."""
        return [line.split()[0] for line in self.log.read_text().splitlines() if what in line]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_shim_that_does_not_run_is_passed_over(machine: Machine) -> None:
    machine.put(machine.path / "python3.13", SHIM_OF_A_VERSION_NOT_SELECTED)
    machine.put(machine.path / "python3.14", NEW_PYTHON)

    result = machine.set_up()

    assert result.returncode == 0
    assert machine.asked("-m venv") == [os.fspath(machine.path / "python3.14")]


def test_a_version_in_pyenv_is_found_behind_an_old_python(machine: Machine) -> None:
    in_pyenv = machine.home / ".pyenv" / "versions" / "3.13.0" / "bin" / "python3"
    machine.put(machine.path / "python3", OLD_PYTHON)
    machine.put(in_pyenv, NEW_PYTHON)

    result = machine.set_up()

    assert result.returncode == 0
    assert machine.asked("-m venv") == [os.fspath(in_pyenv)]


def test_uv_fetches_python_where_there_is_none(machine: Machine) -> None:
    fetched = machine.home / "fetched" / "python3.13"
    machine.put(fetched.with_name("kept-by-uv"), NEW_PYTHON)
    machine.put(
        machine.path / "uv",
        f"""#!/bin/sh
        case "$*" in
        "python install 3.13") cp "{fetched.with_name("kept-by-uv")}" "{fetched}" ;;
        "python find"*) [ -e "{fetched}" ] && echo "{fetched}" ;;
        esac
        """,
    )

    result = machine.set_up()

    assert result.returncode == 0
    assert machine.asked("-m venv") == [os.fspath(fetched)]


def test_a_machine_without_python_is_told_how_to_get_one(machine: Machine) -> None:
    machine.put(machine.path / "python3", OLD_PYTHON)

    result = machine.set_up()

    assert result.returncode != 0
    assert "needs Python 3.13 or newer, and none was found" in result.stderr
    assert "pyenv install 3.13" in result.stderr
    assert not (machine.project / ".venv").exists()


def test_a_python_without_ensurepip_is_named_as_such(machine: Machine) -> None:
    machine.put(machine.path / "python3.13", WITHOUT_ENSUREPIP)

    result = machine.set_up()

    assert result.returncode != 0
    assert "python3.13-venv" in result.stderr


def test_everything_is_installed_by_its_hash_and_only_once(machine: Machine) -> None:
    machine.put(machine.path / "python3.13", NEW_PYTHON)
    machine.set_up()
    assert len(machine.asked("--require-hashes")) == 1
    assert len(machine.asked("--editable .")) == 1

    machine.set_up()

    assert machine.asked("-m") == []


def test_new_requirements_are_installed_in_place(machine: Machine) -> None:
    machine.put(machine.path / "python3.13", NEW_PYTHON)
    machine.set_up()
    with (machine.project / "requirements.txt").open("a") as lock:
        lock.write("# another one\n")

    machine.set_up()

    assert machine.asked("-m venv") == []
    assert len(machine.asked("--require-hashes")) == 1


def test_a_set_up_that_broke_off_starts_over(machine: Machine) -> None:
    machine.put(machine.path / "python3.13", NEW_PYTHON)
    (machine.project / "fail").touch()
    assert machine.set_up().returncode != 0
    (machine.project / "fail").unlink()

    result = machine.set_up()

    assert result.returncode == 0
    assert len(machine.asked("-m venv --clear")) == 1


def test_an_update_that_broke_off_starts_over(machine: Machine) -> None:
    machine.put(machine.path / "python3.13", NEW_PYTHON)
    machine.set_up()
    with (machine.project / "requirements.txt").open("a") as lock:
        lock.write("# another one\n")
    (machine.project / "fail").touch()
    assert machine.set_up().returncode != 0
    (machine.project / "fail").unlink()

    result = machine.set_up()

    assert result.returncode == 0
    assert len(machine.asked("-m venv --clear")) == 1


def test_a_folder_that_was_moved_starts_over(machine: Machine) -> None:
    machine.put(machine.path / "python3.13", NEW_PYTHON)
    machine.set_up()
    machine.project = machine.project.rename(machine.project.with_name("moved"))

    result = machine.set_up()

    assert result.returncode == 0
    assert len(machine.asked("-m venv --clear")) == 1


def test_a_tool_gets_its_own_environment_with_the_functions_python(machine: Machine) -> None:
    machine.put(machine.path / "python3", PYTHON_3_14)
    machine.put(machine.home / ".pyenv" / "versions" / "3.13.0" / "bin" / "python3", NEW_PYTHON)

    result = machine.set_up("sam")

    assert result.returncode == 0
    assert machine.asked("-m venv --clear .venv-verify/sam") == [
        os.fspath(machine.home / ".pyenv" / "versions" / "3.13.0" / "bin" / "python3")
    ]
    assert len(machine.asked("--requirement verify/sam.txt")) == 1
    assert machine.asked("--editable") == []
    assert not (machine.project / ".venv").exists()


def test_what_changes_in_the_project_does_not_touch_a_tool(machine: Machine) -> None:
    machine.put(machine.path / "python3.13", NEW_PYTHON)
    machine.set_up("sam")
    for name in ("requirements.txt", *PROJECT):
        with (machine.project / name).open("a") as file:
            file.write("# another one\n")

    machine.set_up("sam")

    assert machine.asked("-m") == []


def test_a_tool_without_a_lock_is_refused(machine: Machine) -> None:
    machine.put(machine.path / "python3.13", NEW_PYTHON)

    result = machine.set_up("terraform")

    assert result.returncode == 1
    assert "There is no verify/terraform.txt" in result.stderr
    assert machine.asked("-m") == []


def test_the_project_can_be_set_up_with_python_3_14_too(machine: Machine) -> None:
    machine.put(machine.path / "python3.13", PYTHON_3_13)
    machine.put(machine.path / "python3.14", PYTHON_3_14)

    result = machine.set_up("3.14")

    assert result.returncode == 0
    assert machine.asked("-m venv --clear .venv-3.14") == [os.fspath(machine.path / "python3.14")]
    assert len(machine.asked("--requirement requirements.txt")) == 1
    assert len(machine.asked("--editable .")) == 1


def test_a_machine_without_python_3_14_is_told_that_it_is_missing(machine: Machine) -> None:
    machine.put(machine.path / "python3.13", PYTHON_3_13)

    result = machine.set_up("3.14")

    assert result.returncode != 0
    assert "needs Python 3.14, and none was found" in result.stderr
    assert "pyenv install 3.14" in result.stderr
