"""The Parquet files of a lake's tables and the files of its policy, in a folder or in a bucket.

Snapshots are immutable and published by one write, so the files listed here are the lake as it was at that moment. A
query reads only the columns that it needs of each file, also from a bucket.
"""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from patchlake.adapters.parquet import ARROW_TYPES
from patchlake.core.run import run_date
from patchlake.core.tables import Column, ColumnType, Table
from patchlake.errors import InputError, PatchlakeError
from patchlake.sources.registry import SOURCES
from patchlake_cli.absent_path import absence
from patchlake_cli.lake.errors import LakeError
from patchlake_cli.lake.location import LakeLocation
from patchlake_cli.lake.policy import POLICY_TABLES, folder_of, is_ignored, unread_end
from patchlake_cli.lake.table_rows import TableRows

if TYPE_CHECKING:
    import boto3

type _Listed = Callable[[str], Iterable[str]]
"""The paths of the files below a prefix of the lake."""
type _Read = Callable[[str], bytes]
"""The bytes of a file, or a PatchlakeError that names it, and says why it cannot be read and what to do."""

RESTORE = "restore a copy or an earlier version of it"
"""What to do about a file that was read, and is damaged."""

_FILE = re.compile(r"run_date=(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})/(?P<name>.*[^/])", re.DOTALL)
"""A file in the folder of a date, by its path in the folder of a table: also one in another folder in there."""
_SUFFIX = ".parquet"
_ALMOST_A_DATE = re.compile(r"(?!run_date=[0-9]{4}-[0-9]{2}-[0-9]{2}\Z)\s*(?i:run_date)\s*=.*", re.DOTALL)
"""The name of a folder that someone meant as that of a date, but Athena does not read."""
_CHECKED = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
"""A damaged page is an error, never another figure."""
_REPETITIVE = pa.dictionary(pa.int32(), pa.string())
"""The type of a text column with few values: as in the files, each value is read once, and rows are numbers."""
_TIME = pa.timestamp("us")
"""As in Athena, a timestamp has no zone and means UTC; in DuckDB's own unit, since DuckDB converts others slowly."""
_RUN_DATE = pa.field("run_date", _REPETITIVE)
"""The column of the partition, which no file has."""


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """The files of a policy.

    Attributes:
        read: reads one of them.
        listed: the paths below a prefix of the folder or bucket.
        root: the folder, or the bucket with its prefix, that has a folder for each table.
        prefix: the place of that folder within what is listed.
        scheme: what precedes a path in the names of files.
    """

    read: _Read
    listed: _Listed
    root: str
    prefix: str = ""
    scheme: str = ""

    def paths(self, table: Table) -> list[str]:
        """Return the names of a table's files within its folder, in order, those that Athena ignores included.

        Raises:
            LakeError: the folder cannot be read.
        """
        folder = f"{folder_of(table)}/"
        return [path.removeprefix(folder) for path in self._files_below(folder)]

    def unused(self) -> list[str]:
        """Return the CSV files that are next to the folders of the tables, in a folder next to them, or ignored.

        Raises:
            LakeError: the folder cannot be read.
        """
        folders = tuple(f"{folder_of(table)}/" for table in POLICY_TABLES)
        return [
            f"{self.scheme}{self.root}/{path}"
            for path in self._files_below("")
            if path.lower().endswith(".csv")
            and (is_ignored(path) if path.startswith(folders) else path.count("/") <= 1)
        ]

    def _files_below(self, folder: str) -> list[str]:
        try:
            found = sorted(self.listed(f"{self.prefix}{folder}"))
        except (OSError, PatchlakeError) as error:
            raise LakeError(f"the policy cannot be read: {self.scheme}{self.root}/{folder}: {error}") from error
        return [path.removeprefix(f"{self.root}/") for path in found if not path.endswith("/")]

    def contents(self, table: Table) -> list[tuple[str, bytes]]:
        """Return the location and the bytes of each file of a table that Athena reads, in order.

        Raises:
            LakeError: a file cannot be read, or Athena decompresses it.
        """
        paths = [path for path in self.paths(table) if not is_ignored(path)]
        for path in paths:
            if end := unread_end(path):
                problem = f"Athena decompresses the file: expected a CSV file whose name does not end in {end}"
                raise LakeError(f"the policy cannot be read: {self.location(table, path)}: {problem}")
        return [(self.location(table, path), self.content(table, path)) for path in paths]

    def location(self, table: Table, path: str) -> str:
        """Return the location of a file, as Athena names it."""
        return f"{self.scheme}{self.root}/{folder_of(table)}/{path}"

    def content(self, table: Table, path: str) -> bytes:
        """Return the bytes of a file.

        Raises:
            LakeError: it cannot be read.
        """
        try:
            return self.read(f"{self.root}/{folder_of(table)}/{path}")
        except PatchlakeError as error:
            raise LakeError(f"the policy cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class LakeFiles:
    """The files of each table, by date, in the order of the runs.

    Attributes:
        filesystem: the filesystem that opens them.
        read: reads one of them.
        paths: (run_date, path) pairs by the name of the table.
        policy: the files of the lake's own policy, which may have none; None for a lake without a location.
    """

    filesystem: fs.FileSystem
    read: _Read
    paths: Mapping[str, Sequence[tuple[str, str]]]
    policy: PolicyFiles | None = None

    @property
    def dates(self) -> list[str]:
        """The dates of all runs that have published a table, in order."""
        return sorted({date for files in self.paths.values() for date, _ in files})

    def rows(self, table: Table, first: str, last: str) -> TableRows:
        """Return a table's rows of these dates, both included.

        The columns are those of the declared table; one that a file lacks is NULL in its rows.
        """
        schema = pa.schema([*_schema(table), _RUN_DATE])
        parquet = _format(schema)
        files = [
            parquet.make_fragment(path, self.filesystem, ds.field(_RUN_DATE.name) == pa.scalar(date, _RUN_DATE.type))
            for date, path in self.paths[table.name]
            if first <= date <= last
        ]
        return TableRows(files, schema, parquet, self.filesystem)

    def explained(self, table: Table, reason: str) -> str:
        """Say why a query could not read a table, and what to do: only a file that was read whole can be damaged.

        Args:
            table: the table.
            reason: what the query says, which may name a file.

        Raises:
            LakeError: a file cannot be read now, either.
        """
        paths = [path for _, path in self.paths[table.name]]
        named = [path for path in paths if path in reason]
        about = reason if named else f"{table.name}: {reason}"
        for path in named or paths:
            if _is_damaged(self._content(path), _schema(table)):
                return f"{about if named else f'{about}; {path} is damaged'}; {RESTORE}"
        return f"{about}; it can be read now: retry in a minute"

    def _content(self, path: str) -> bytes:
        try:
            return self.read(path)
        except PatchlakeError as error:
            raise LakeError(f"the lake cannot be read: {error}") from error

    def first_not_utf_8(self) -> tuple[str, str] | None:
        """Return the path of the first file with a text that is not UTF-8, and its column; None if all texts are.

        Raises:
            LakeError: a file cannot be read.
        """
        for path in (path for files in self.paths.values() for _, path in files):
            content = pa.BufferReader(self._content(path))
            try:
                for batch in pq.ParquetFile(content).iter_batches():
                    for name, column in zip(batch.schema.names, batch.columns, strict=True):
                        if not _is_valid(column):
                            return path, name
            except (OSError, pa.ArrowInvalid) as error:
                raise LakeError(f"the lake cannot be read: {path}: {error}; {RESTORE}") from error
        return None

    def column_bytes(self, table: str) -> dict[str, int]:
        """Return the bytes of each column of a table in all its files: a query that reads the column scans them."""
        sizes: Counter[str] = Counter()
        for _, path in self.paths[table]:
            with self.filesystem.open_input_file(path) as file:
                footer = pq.read_metadata(file)
            for group in map(footer.row_group, range(footer.num_row_groups)):
                for column in map(group.column, range(group.num_columns)):
                    sizes[column.path_in_schema] += column.total_compressed_size
        return sizes


def _is_valid(column: Any) -> bool:  # noqa: ANN401
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _schema(table: Table) -> pa.Schema:
    return pa.schema(map(_field, table))


def _format(schema: pa.Schema) -> ds.ParquetFileFormat:
    repetitive = [field.name for field in schema if field.type == _REPETITIVE]
    return ds.ParquetFileFormat(dictionary_columns=repetitive, default_fragment_scan_options=_CHECKED)


def _is_damaged(content: bytes, schema: pa.Schema) -> bool:
    """Whether a file with this content cannot be read as a query reads it."""
    try:
        fragment = _format(schema).make_fragment(pa.BufferReader(content))
        deque(fragment.to_batches(schema=schema), maxlen=0)
    except (OSError, pa.ArrowException):
        return True
    return False


def _field(column: Column) -> Any:  # noqa: ANN401
    if column.type is ColumnType.TIMESTAMP:
        return pa.field(column.name, _TIME)
    is_repetitive = column.repetitive and column.type is ColumnType.STRING
    return pa.field(column.name, _REPETITIVE if is_repetitive else ARROW_TYPES[column.type])


def no_files() -> LakeFiles:
    """Return the files of a lake without a run."""
    return LakeFiles(fs.LocalFileSystem(), _read_file, {table.name: () for table in SOURCES.tables})


def find_lake(location: LakeLocation, session: "boto3.Session | None" = None, profile: str | None = None) -> LakeFiles:
    """List the published files of a lake.

    Args:
        location: the location of the lake. The tables are in its ``lake/``, or in the location itself.
        session: a session that may read the bucket.
        profile: the profile to read the bucket with where there is no session; the SDK's default one otherwise.

    Raises:
        LakeError: there is no lake, or it cannot be read.
    """
    if location.bucket is None:
        filesystem, listed = _open_folder(location.text)
        read: _Read = _read_file
        root, scheme = str(Path(location.text).resolve()), ""
    else:
        # Not at the top: the AWS SDK takes longer to import than a folder to open.
        from patchlake_cli.lake.bucket import open_bucket  # noqa: PLC0415

        filesystem, listed, read = open_bucket(location, location.bucket, session, profile)
        root, scheme = f"{location.bucket}/{location.prefix}".rstrip("/"), "s3://"

    def files_in(base: str) -> dict[str, list[tuple[str, str]]]:
        if location.bucket is None:
            for table in SOURCES.tables:
                _require_linked(Path(root) / base / table.name)
        folders = {table.name: f"{base}{table.name}/" for table in SOURCES.tables}
        return {name: _files(listed(folder), f"{root}/{folder}") for name, folder in folders.items()}

    try:
        paths = files_in("lake/")
        # In a bucket, someone may be allowed to list lake/ and nothing else.
        own = {} if location.bucket is not None and any(paths.values()) else files_in("")
        if location.bucket is None:
            _require_policy(Path(root) / "policy")
    except (OSError, PatchlakeError) as error:
        raise LakeError(f"{location.text} cannot be read: {error}") from error
    match any(paths.values()), any(own.values()):
        case False, False:
            expected = "expected lake/coverage/run_date=… or coverage/run_date=… in it"
            raise LakeError(f"{location.text} contains no lake: {expected}")
        case True, True:
            raise LakeError(f"{location.text} contains two lakes, one of them in {root}/lake: move one out")
        case is_in_lake, _:
            policy = PolicyFiles(read, listed, f"{root}/policy", "policy/", scheme)
            return LakeFiles(filesystem, read, paths if is_in_lake else own, policy)


def _require_linked(folder: Path) -> None:
    """Refuse the folder of a table with a broken link, which no listing shows, or a pipe, which may never be written.

    Raises:
        LakeError: the folder, or what Athena would read in it, is such a link or pipe.
    """
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in (folder, *(path for path in inside if not is_ignored(path.name))):
        if path.is_symlink() and not path.exists():
            raise LakeError(f"{path} {absence(path)}; restore it, or remove the link")
        if path.is_fifo():
            raise LakeError(f"{path} is a pipe, not a file; move it out of the table")
    for path in inside:
        if path.name.startswith("run_date="):
            _require_linked(path)


def find_policy(folder: Path) -> PolicyFiles:
    """Find the files of a policy in a folder.

    Raises:
        LakeError: it is not a folder, or has no folder for any of the tables.
    """
    expected = " or ".join(f"{folder_of(table)}/" for table in POLICY_TABLES)
    _require_folders(folder)
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "does not exist"
        raise LakeError(f"{folder} {problem}: expected a folder with {expected} in it")
    if not any((folder / folder_of(table)).is_dir() for table in POLICY_TABLES):
        raise LakeError(f"{folder} has no policy: expected {expected} in it")
    _require_readable(folder, folder.resolve().parents)
    _, listed = _open_folder(str(folder))
    return PolicyFiles(_read_file, listed, str(folder.resolve()))


def _require_policy(folder: Path) -> None:
    """Refuse the policy of a lake that is there, and of which no listing would show anything or all.

    Raises:
        LakeError: it, or something in it, is a broken link or not what it should be.
    """
    if folder.is_dir():
        _require_folders(folder)
        _require_readable(folder, folder.resolve().parents)
    elif folder.exists() or folder.is_symlink():
        raise LakeError(f"the policy cannot be read: {folder} is a broken link, or not a folder")


def _require_folders(folder: Path) -> None:
    """Refuse a file in place of a folder of a policy: none of its lines would count.

    Raises:
        LakeError: there is one.
    """
    for path in (folder / folder_of(table) for table in POLICY_TABLES):
        if path.is_file():
            raise LakeError(f"the policy cannot be read: {path} is a file: expected a folder with CSV files in it")


def _require_readable(folder: Path, above: Sequence[Path]) -> None:
    """Refuse the folder of a policy with a broken link, which no listing shows, or with one that leads back.

    Args:
        folder: the folder, or one in it.
        above: the real paths of the folders that it is in.

    Raises:
        LakeError: it has one, or cannot be read.
    """
    within = (*above, folder.resolve())
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise LakeError(f"the policy cannot be read: {folder}: {error.strerror}") from error
    for path in inside:
        if path.is_dir():
            if path.resolve() in within:
                raise LakeError(f"the policy cannot be read: {path} is a link to a folder that contains it")
            _require_readable(path, within)
        elif not path.is_file():
            raise LakeError(f"the policy cannot be read: {path} is a broken link, or not a file")


def _files(paths: Iterable[str], folder: str) -> list[tuple[str, str]]:
    """Return the files of the table in a folder, by date; those outside the folders of dates are not the table's.

    Raises:
        LakeError: Athena would read a file that is not the file of a run, or ignore a folder with a run.
    """
    # A store may list a key twice.
    listed = set(paths)
    folders = sorted({path.removeprefix(folder).partition("/")[0] for path in listed})
    if mistaken := next(filter(_ALMOST_A_DATE.fullmatch, folders), None):
        expected = "the folder of a date, run_date=YYYY-MM-DD"
        raise LakeError(f"{folder}{mistaken} is not {expected}; rename it, or move it out of the table")
    files = [
        (match, path)
        for path in listed
        if (match := _FILE.fullmatch(path.removeprefix(folder))) and not is_ignored(match["name"])
    ]
    for match, path in files:
        name = match["name"]
        if not (name.endswith(_SUFFIX) and is_of_a_run(match["date"], name.removesuffix(_SUFFIX))):
            # A copy would count its run twice, here and in Athena; one in a folder of a date only in Athena.
            raise LakeError(
                f"{path} is not the file of a run, run_date=DATE/RUN_ID.parquet with one date; move it out of the table"
            )
    return sorted((match["date"], path) for match, path in files)


def is_of_a_run(date: str, name: str) -> bool:
    """Whether a name is the id of a run of this date."""
    try:
        return run_date(name) == date
    except InputError:
        return False


def _read_file(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise LakeError(f"{path}: {error.strerror}; check that you may read the file") from error


def _open_folder(text: str) -> tuple[fs.FileSystem, _Listed]:
    folder = Path(text).resolve()
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else absence(Path(text))
        raise LakeError(f"{text} {problem}: --lake takes the folder of an export or a demo, or s3://BUCKET/PREFIX")
    filesystem = fs.LocalFileSystem()

    def listed(prefix: str) -> list[str]:
        inside = fs.FileSelector(f"{folder}/{prefix}", recursive=True, allow_not_found=True)
        try:
            return list(map(_marked, filesystem.get_file_info(inside)))
        except UnicodeDecodeError as error:
            raise LakeError(f"the name of a file in {folder}/{prefix} is not UTF-8: {error.object!r}") from error

    return filesystem, listed


def _marked(info: fs.FileInfo) -> str:
    """Return a path; that of a folder ends with a slash, as in a store, unless it is in the place of a run's file."""
    path: str = info.path
    return f"{path}/" if info.type is fs.FileType.Directory and not path.endswith(_SUFFIX) else path
