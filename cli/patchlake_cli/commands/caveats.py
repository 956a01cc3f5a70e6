"""The end of a command that answers from a lake: what its answer lacks, on standard error, and the exit code."""

from collections.abc import Sequence

from patchlake_cli.exit_codes import ExitCode


def end_answer(gaps: Sequence[str], notes: Sequence[str], *, allow_partial: bool) -> ExitCode:
    """Print each gap and each note as one line, and return the exit code.

    Args:
        gaps: the reasons why the answer does not cover the whole fleet: with one of them, the code is PARTIAL.
        notes: what else to know about the answer.
        allow_partial: whether the user accepts gaps.
    """
    from patchlake_cli.terminal.console import warn

    for sentence in (*gaps, *notes):
        warn(sentence)
    return ExitCode.of_answer(is_whole=not gaps, allow_partial=allow_partial)
