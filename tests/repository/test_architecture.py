"""Rules of the design that no linter checks; import-linter checks the imports (pyproject.toml)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "patchlake" / "patchlake"
STAGES = ["plan", "discover", "collect", "commit"]
DEPLOYED = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "functions").rglob("*.py")])
PURE = sorted([*(PACKAGE / "core").glob("*.py"), *(PACKAGE / "stages").glob("*.py")])
GRAB_BAGS = {"utils", "helpers", "common", "manager", "misc", "util", "helper"}

# Modules that read a clock, draw random numbers, or do I/O. Threads are not I/O: CallCounter is used from many.
IMPURE = {
    "asyncio",
    "http",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "subprocess",
    "sys",
} | {*("tempfile", "time", "urllib", "uuid", "zoneinfo")}


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes_of(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def imported_by(path: Path) -> set[str]:
    """Return the top-level packages that a module imports."""
    names: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def attributes_of(path: Path) -> set[str]:
    """Return every name that follows a dot, or is called or imported by itself."""
    found = set()
    for node in nodes_of(path):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
                found.add(name)
    return found


def texts_of(path: Path) -> set[str]:
    """Return the string constants of a module, pieces of f-strings included, without what only documents."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documenting = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documenting
    }


def test_only_config_reads_the_environment() -> None:
    readers = [short(path) for path in DEPLOYED if attributes_of(path) & {"environ", "environb", "getenv"}]

    assert readers == ["layers/patchlake/patchlake/config.py"]


def test_only_keys_joins_the_paths_of_objects() -> None:
    path_like = re.compile(r"(^|/)(plans|runs|lake|shards|parts)(/|$)|run_date=|\.(parquet|json)$")

    joining = {short(path) for path in DEPLOYED if any(path_like.search(text) for text in texts_of(path))}

    assert joining == {"layers/patchlake/patchlake/core/keys.py"}


def test_nothing_that_is_deployed_can_delete_or_overwrite_an_object() -> None:
    forbidden = re.compile(
        r"delete_(object|bucket)|upload_(file|part)|copy_object|copy$|multipart|put_bucket|put_object_"
    )

    calls = {(short(path), name) for path in DEPLOYED for name in attributes_of(path) if forbidden.search(name)}

    assert calls == set()


def test_every_put_of_an_object_is_a_creation() -> None:
    puts = [
        {keyword.arg: keyword.value for keyword in node.keywords}
        for path in DEPLOYED
        for node in nodes_of(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "put_object"
    ]

    assert [ast.unparse(put["IfNoneMatch"]) for put in puts] == ["'*'"]


@pytest.mark.parametrize("path", PURE, ids=short)
def test_core_and_stages_reach_nothing_outside_but_through_ports(path: Path) -> None:
    outside = imported_by(path) - {"patchlake", "msgspec"}

    assert outside <= sys.stdlib_module_names
    assert not outside & IMPURE


@pytest.mark.parametrize("path", PURE, ids=short)
def test_the_time_comes_from_the_clock_that_a_stage_was_given(path: Path) -> None:
    sources = {
        ast.unparse(node.func.value)
        for node in nodes_of(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "now"
    }

    assert sources <= ({"self.clock"} if path.parent.name == "stages" else set())


@pytest.mark.parametrize("path", DEPLOYED, ids=short)
def test_nothing_sleeps_by_itself_and_nothing_catches_everything(path: Path) -> None:
    assert "sleep" not in attributes_of(path) or path.parent.name == "bootstrap"
    for node in nodes_of(path):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None
            assert ast.unparse(node.type) not in {"Exception", "BaseException"}


def output_of(code: str) -> str:
    """Return the output of this code in a separate Python process."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_plan_starts_without_pyarrow() -> None:
    assert output_of("import sys, patchlake.bootstrap.plan; print('pyarrow' in sys.modules)") == "False\n"


@pytest.mark.parametrize("stage", STAGES)
def test_a_function_starts_without_the_other_stages(stage: str) -> None:
    loaded = output_of(f"import sys, patchlake.bootstrap.{stage}; print(*sys.modules)").split()

    assert [name for name in STAGES if f"patchlake.stages.{name}" in loaded] == [stage]


def test_a_lake_in_a_folder_is_read_without_the_aws_sdk() -> None:
    code = "import sys, patchlake_cli.lake.engine, patchlake_cli.lake.question; print('boto3' in sys.modules)"

    assert output_of(code) == "False\n"


def test_parquet_needs_neither_pandas_nor_numpy_nor_the_compute_and_dataset_parts_of_pyarrow() -> None:
    code = """
import sys
from patchlake.adapters.parquet import ParquetTables
from patchlake.sources.nodes import SHARD
t = ParquetTables()
columns = {"instance_id": ["i-00000000"], "registration_date": [0]}
file = t.open(t.encode(SHARD, [columns], {}))
file.columns(["instance_id", "registration_date"])
writer = t.writer(SHARD, {})
writer.append(file)
writer.finish().close()
print(*sorted({"pandas", "numpy", "pyarrow.compute", "pyarrow.dataset"} & set(sys.modules)))
"""

    assert output_of(code) == "\n"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_one_name_everywhere(stage: str) -> None:
    assert (PACKAGE / "stages" / f"{stage}.py").is_file()
    assert (ROOT / "functions" / stage / "app.py").is_file()
    assert (ROOT / "events" / f"{stage}.json").is_file()
    assert (ROOT / "tests" / "unit" / f"test_{stage}_stage.py").is_file()


@pytest.mark.parametrize("stage", STAGES)
def test_a_handler_is_short_and_knows_neither_aws_nor_a_rule(stage: str) -> None:
    path = ROOT / "functions" / stage / "app.py"
    code = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    without_imports = [line for line in code if not line.startswith(("import ", "from "))]

    assert len(without_imports) <= 40
    assert not imported_by(path) & {"boto3", "botocore", "pyarrow", "msgspec", "os"}
    assert not [node for node in nodes_of(path) if isinstance(node, ast.While | ast.Try)]


def test_only_one_module_knows_where_the_package_lies_in_a_checkout() -> None:
    """An installed package has no checkout around it."""
    product = [*PACKAGE.rglob("*.py"), *(ROOT / "cli").rglob("*.py")]
    climbs = re.compile(r"\.parents\[|__file__.*\.parent\b|/ \"\.\.\"")

    found = [short(path) for path in product if climbs.search(path.read_text(encoding="utf-8"))]

    assert found == ["cli/patchlake_cli/project_files.py"]


def test_no_module_is_a_grab_bag() -> None:
    modules = [*DEPLOYED, *(ROOT / "cli").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]

    assert [short(path) for path in modules if path.stem.strip("_") in GRAB_BAGS] == []


@pytest.mark.parametrize("path", DEPLOYED, ids=short)
def test_every_module_says_where_it_stands(path: Path) -> None:
    source = path.read_text(encoding="utf-8")

    assert not source or ast.get_docstring(ast.parse(source))


def test_the_command_prints_through_consoles_and_tables_that_escape_what_others_chose() -> None:
    found = {
        (short(path), ast.unparse(node.func))
        for path in (ROOT / "cli" / "patchlake_cli").rglob("*.py")
        for node in nodes_of(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"Console", "Table", "print", "rich.print"}
        if not (ast.unparse(node.func) == "Table" and "from patchlake.core.tables import" in path.read_text("utf-8"))
    }

    assert found == set()
