"""The file that the functions of a demo log to: where it cannot be written, the demo ends, and not a thread of it."""

from pathlib import Path

from patchlake_cli.exit_codes import CommandError


class FunctionLog:
    """A file of lines, which several threads write."""

    def __init__(self, path: Path) -> None:
        """Replace the file.

        Raises:
            OSError: it cannot be opened.
        """
        self._path = path
        # Without a buffer, closing it writes nothing.
        self._file = path.open("wb", buffering=0)
        self._failure: OSError | None = None

    @property
    def has_failed(self) -> bool:
        """Whether a line could not be written."""
        return self._failure is not None

    def write(self, line: str) -> None:
        """Add a line; a failure is kept."""
        try:
            self._file.write(f"{line}\n".encode())
        except OSError as error:
            self._failure = error

    def require_written(self) -> None:
        """Require that every line was written.

        Raises:
            CommandError: one was not.
        """
        if self._failure:
            raise CommandError(f"{self._path}: {self._failure.strerror}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
