"""Build the runtime layer: the locked packages for one architecture, without what the functions never load.

``sam build`` calls it through the Makefile in this folder, with Python 3.13 itself, since Lambda ignores files that
another version has compiled. It needs only that Python's pip. docs/adr/0007-trimmed-layer.md says what is left out, and
why.
"""

import argparse
import compileall
import gzip
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

LOCK = Path(__file__).with_name("requirements.txt")

ARCHITECTURES = ("aarch64", "x86_64")

AWS_OPERATIONS = {
    "ec2": {"DescribeInstances", "DescribeRegions", "DescribeTags"},
    "organizations": {"ListAccounts", "ListAccountsForParent", "ListOrganizationalUnitsForParent"},
    "s3": {"GetObject", "HeadBucket", "HeadObject", "ListObjectsV2", "PutObject"},
    "sqs": {"ChangeMessageVisibility", "GetQueueAttributes", "SendMessage", "SendMessageBatch"},
    "ssm": {"DescribeInstanceInformation", "DescribeInstancePatchStates", "DescribeInstancePatches"},
    "sts": {"AssumeRole", "GetCallerIdentity"},
}
"""The operations that botocore's models keep, by service: those that the functions call, and HeadBucket, with which the
SDK finds the region of a bucket after a redirect."""

_ARROW_MODULES = ("lib", "_fs", "_parquet")
"""pyarrow's compiled modules that ``pyarrow.parquet`` needs."""

_ARROW_LIBRARIES = (
    "libarrow",
    "libarrow_acero",
    "libarrow_compute",
    "libarrow_dataset",
    "libarrow_python",
    "libarrow_substrait",
    "libparquet",
)
"""The libraries to which those modules are linked, used or not."""

_ARROW_SOURCES = ("*.pxd", "*.pxi", "*.pyx")
_ARROW_FOLDERS = ("include", "includes", "src", "tests")

# Lambda's image has glibc 2.34, which also runs files for older versions; pip needs each of them by name.
_GLIBC_TAGS = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")


def install(architecture: str, packages: Path) -> None:
    """Install the locked packages for Lambda into a folder, and verify each file's hash."""
    platforms = [word for tag in _GLIBC_TAGS for word in ("--platform", f"{tag}_{architecture}")]
    subprocess.run(  # noqa: S603 - pip, by this interpreter
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "--no-compile", "--only-binary=:all:"),
            *("--implementation", "cp", "--python-version", "3.13", *platforms),
            *("--target", packages, "--requirement", LOCK),
        ],
        check=True,
    )


def trim(packages: Path) -> None:
    """Remove files that the functions never load."""
    _remove([packages / "bin"])
    trim_models(packages / "botocore" / "data")
    arrow = packages / "pyarrow"
    _remove(arrow / folder for folder in _ARROW_FOLDERS)
    _remove(path for pattern in _ARROW_SOURCES for path in arrow.rglob(pattern))
    _remove(path for path in arrow.glob("*.so*") if not _is_loaded(path.name))
    for library in packages.rglob("*.so*"):
        library.write_bytes(without_symbols(library.read_bytes()))


def trim_models(data: Path) -> None:
    """Keep only the operations in botocore's data that the functions call: the SDK parses it at each cold start."""
    _remove(folder for folder in data.glob("*/") if folder.name not in AWS_OPERATIONS)
    for path in data.glob("*/*/service-2.json.gz"):
        model = json.loads(gzip.decompress(path.read_bytes()))
        kept = with_operations(model, AWS_OPERATIONS[path.parts[-3]])
        path.write_bytes(gzip.compress(json.dumps(kept).encode(), mtime=0))
    endpoints = data / "endpoints.json"
    document = json.loads(endpoints.read_bytes())
    for partition in document["partitions"]:
        partition["services"] = {k: v for k, v in partition["services"].items() if k in AWS_OPERATIONS}
    endpoints.write_text(json.dumps(document), encoding="utf-8")


def with_operations(model: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """Return a service's model with these operations and their shapes."""
    operations = {name: operation for name, operation in model["operations"].items() if name in names}
    shapes: dict[str, Any] = {}
    waiting = list(_shapes_in(operations))
    while waiting:
        name = waiting.pop()
        if name not in shapes:
            shapes[name] = model["shapes"][name]
            waiting += _shapes_in(shapes[name])
    return model | {"operations": operations, "shapes": shapes}


def _shapes_in(tree: object) -> Iterator[str]:
    """Yield the name of every shape that a part of a model refers to."""
    match tree:
        case {"shape": str(name)}:
            yield name
        case dict():
            for branch in tree.values():
                yield from _shapes_in(branch)
        case list():
            for branch in tree:
                yield from _shapes_in(branch)


def _is_loaded(library: str) -> bool:
    """Whether a library is loaded, and not a copy under a name that no module needs."""
    name, _, rest = library.partition(".")
    if name in _ARROW_MODULES:
        return True
    major_version = rest.removeprefix("so.")
    return name in _ARROW_LIBRARIES and major_version.isdecimal()


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def without_symbols(library: bytes) -> bytes:
    """Cut a 64-bit ELF library after its last segment.

    The dynamic loader reads only segments. The symbols for debuggers and linkers follow them, and the table of
    sections, which the header then no longer names.

    Source: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html and ch5.pheader.html
    """
    header = struct.Struct("<16s2HI3QI6H")
    segment = struct.Struct("<2I6Q")
    fields = list(header.unpack_from(library))
    first, size, count = fields[5], fields[9], fields[10]
    segments = [segment.unpack_from(library, first + number * size) for number in range(count)]
    end = max([first + count * size, *(offset + length for _, _, offset, _, _, length, _, _ in segments)])
    fields[6] = fields[12] = fields[13] = 0  # e_shoff, e_shnum, e_shstrndx
    return header.pack(*fields) + library[header.size : end]


def compile_all(folder: Path) -> None:
    """Compile with unchecked hashes: Lambda cannot write compiled files, and sources never change there."""
    unchecked = PycInvalidationMode.UNCHECKED_HASH
    # Tracebacks name the paths that the files have in Lambda.
    if not compileall.compile_dir(folder, quiet=1, stripdir=folder, prependdir="/opt", invalidation_mode=unchecked):
        sys.exit(f"A file in {folder} does not compile; see its error above.")


def main() -> None:
    """Build the layer into the folder that sam has made for it."""
    arguments = argparse.ArgumentParser(description="Build the runtime layer.")
    arguments.add_argument("architecture", choices=ARCHITECTURES)
    arguments.add_argument("folder", type=Path)
    given = arguments.parse_args()
    packages = given.folder / "python"
    install(given.architecture, packages)
    trim(packages)
    compile_all(given.folder)


if __name__ == "__main__":
    main()
