"""The build of `sam build` for Lambda: both runtime layers, our own, and the functions."""

import importlib.util
import json
import re
import subprocess
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile

from layers.runtime.build import AWS_OPERATIONS
from tests.e2e.tools import ROOT, Build, program

MACHINES = {"RuntimeLayerArm64": "EM_AARCH64", "RuntimeLayerX8664": "EM_X86_64"}
EACH_RUNTIME_LAYER = pytest.mark.parametrize("layer", MACHINES)
LIMIT_BYTES = 105_000_000
# In the image of Lambda's Python 3.13 (Amazon Linux 2023): glibc and the compilers' run-time libraries.
IN_THE_IMAGE = re.compile(r"(ld-linux-.*|lib(c|dl|gcc_s|m|pthread|rt|stdc\+\+))\.so\.\d+")
UNCHECKED_HASH = 0b01


def libraries(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@EACH_RUNTIME_LAYER
def test_every_library_is_for_the_layers_architecture(build: Build, layer: str) -> None:
    found = libraries(build.packages(layer))

    machines = set()
    for library in found:
        with library.open("rb") as file:
            machines.add(ELFFile(file)["e_machine"])
    assert machines == {MACHINES[layer]}
    assert {path.name for path in found} >= {"libarrow.so.2600", "libparquet.so.2600"}


@EACH_RUNTIME_LAYER
def test_every_library_is_whole_and_finds_what_it_is_linked_to(build: Build, layer: str) -> None:
    packages = build.packages(layer)
    present = {path.name for path in libraries(packages)}

    missing = set()
    for library in libraries(packages):
        with library.open("rb") as file:
            elf = ELFFile(file)
            segments = list(elf.iter_segments())
            assert elf.num_sections() == 0
            assert max(segment["p_offset"] + segment["p_filesz"] for segment in segments) == library.stat().st_size
            needed = {
                tag.needed  # type: ignore[attr-defined]  # set for this kind of tag
                for segment in segments
                if isinstance(segment, DynamicSegment)
                for tag in segment.iter_tags("DT_NEEDED")
            }
        missing |= {name for name in needed - present if not IN_THE_IMAGE.fullmatch(name)}
    assert missing == set()


@EACH_RUNTIME_LAYER
def test_a_runtime_layer_is_small(build: Build, layer: str, record_property: Callable[[str, object], None]) -> None:
    unzipped = size(build.packages(layer))

    record_property("measured", f"{layer}: {unzipped / 1e6:.1f} MB unzipped")
    assert 80_000_000 < unzipped < LIMIT_BYTES


@EACH_RUNTIME_LAYER
def test_a_runtime_layer_holds_the_locked_packages_and_no_others(build: Build, layer: str) -> None:
    packages = build.packages(layer)
    pins = re.findall(r"^([a-z0-9-]+)==([^ ;]+)", (ROOT / "layers/runtime/requirements.txt").read_text(), re.MULTILINE)

    found = {(found.name.replace("_", "-"), found.version) for found in distributions(path=[str(packages)])}

    assert found == set(pins)
    importable = {path.stem for path in packages.iterdir() if path.suffix != ".dist-info"} - {"__pycache__"}
    assert importable == {
        *("aws_lambda_powertools", "boto3", "botocore", "dateutil", "jmespath", "msgspec", "pyarrow"),
        *("s3transfer", "six", "typing_extensions", "urllib3"),
    }


@EACH_RUNTIME_LAYER
def test_the_sdk_finds_what_the_functions_call_in_the_layer_and_nothing_else(build: Build, layer: str) -> None:
    code = """
import json, botocore.session
session = botocore.session.get_session()
models = {service: session.get_service_model(service) for service in session.get_available_services()}
print(json.dumps({service: list(model.operation_names) for service, model in models.items()}))
"""
    result = subprocess.run(
        [program("lambda", "python3.13"), "-B", "-c", code],
        env={"PYTHONPATH": str(build.packages(layer))},
        stdout=subprocess.PIPE,
        check=True,
    )

    assert {service: set(names) for service, names in json.loads(result.stdout).items()} == AWS_OPERATIONS


@pytest.mark.parametrize("layer", [*MACHINES, "PatchlakeLayer"])
def test_every_module_is_compiled_for_lambdas_python_and_never_checked_again(build: Build, layer: str) -> None:
    packages = build.packages(layer)
    sources = [path for path in packages.rglob("*.py") if path.parent.name != "__pycache__"]

    headers = {Path(importlib.util.cache_from_source(source)).read_bytes()[:8] for source in sources}

    assert len(sources) > 30
    assert headers == {importlib.util.MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little")}


def test_our_layer_holds_our_package_and_nothing_else(build: Build) -> None:
    source = ROOT / "layers/patchlake/patchlake"
    packages = build.packages("PatchlakeLayer")

    assert [path.name for path in (build.folder / "PatchlakeLayer").iterdir()] == ["python"]
    assert [path.name for path in packages.iterdir()] == ["patchlake"]
    files = {path.relative_to(packages / "patchlake") for path in packages.rglob("*.py")}
    assert files == {path.relative_to(source) for path in source.rglob("*.py")}


@pytest.mark.parametrize("stage", ["plan", "discover", "collect", "commit"])
def test_a_function_holds_its_handler_and_nothing_else(build: Build, stage: str) -> None:
    assert [path.name for path in build.code(stage).iterdir()] == ["app.py"]
