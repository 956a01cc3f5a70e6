"""``make generate``: checks the SQL, then writes every generated file that is out of date, those with samples last."""

import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from generators import ROOT
from generators.files import files_of_the_code, files_of_the_demo
from generators.lakes import run_demo
from generators.large_day import NODES, write_large_day
from generators.statement_checks import StatementError, check_statements
from patchlake_cli.lake.catalogue import empty_lake
from patchlake_cli.lake.files import find_lake
from patchlake_cli.lake.location import LakeLocation


def main() -> None:
    """Write every file that is out of date, and print its path."""
    lake = empty_lake()
    try:
        check_statements(lake)
    except StatementError as error:
        sys.exit(str(error))
    _write(files_of_the_code(lake))
    with TemporaryDirectory() as folder:
        demo, large_day = Path(folder) / "demo", Path(folder) / "day"
        write_large_day(large_day)
        _write(files_of_the_demo(run_demo(demo), find_lake(LakeLocation(str(large_day))), NODES))


def _write(files: Mapping[Path, str]) -> None:
    for path, content in files.items():
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.write_text(content, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
