"""The standard streams of the process."""

import io
import os
import sys

_STREAMS = 3


def open_missing_streams() -> None:
    """Open ``/dev/null`` for each standard stream that the caller has closed.

    Otherwise the next file of the process would get its number, and what a library prints would go into that file.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) < _STREAMS:
        os.set_inheritable(number, True)  # noqa: FBT003
    os.close(number)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def buffer_output() -> None:
    """Give standard output a buffer if Python runs without one, as with ``PYTHONUNBUFFERED``.

    Without it, what a disk that becomes full does not take of a text is lost, and there is no error.
    """
    stream = sys.stdout
    if isinstance(stream, io.TextIOWrapper) and isinstance(stream.buffer, io.RawIOBase):
        sys.stdout = os.fdopen(
            stream.fileno(), "w", buffering=1, encoding=stream.encoding, errors=stream.errors, closefd=False
        )


def escape_what_has_no_code() -> None:
    """Let the streams escape each character that their encoding does not have, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
