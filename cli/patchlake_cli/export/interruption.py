"""Ctrl-C during an export: one line about what is stored by then."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from patchlake.errors import PatchlakeError
from patchlake.ports import Store
from patchlake.stages.stored_plan import is_published
from patchlake_cli.exit_codes import CommandError, ExitCode
from patchlake_cli.lake.location import LakeLocation


@contextmanager
def saying_how_to_go_on() -> Iterator[None]:
    """End an export whose run is not known when Ctrl-C interrupts it with a line that says how to go on.

    Raises:
        CommandError: Ctrl-C interrupted it.
    """
    try:
        yield
    except KeyboardInterrupt:
        text = "interrupted: what is stored by now stays; the same command continues the run, or starts it"
        raise CommandError(text, ExitCode.INTERRUPTED) from None


@contextmanager
def saying_what_is_stored(store: Store, run_id: str, lake: LakeLocation) -> Iterator[None]:
    """End an interrupted export with a line that says whether its run is published.

    Raises:
        CommandError: Ctrl-C interrupted it.
    """
    try:
        yield
    except KeyboardInterrupt:
        text = f"interrupted: run {run_id} is not finished; the same command continues it"
        # A store that cannot be asked has, as far as anyone knows, no snapshot: the same command finds out.
        with suppress(PatchlakeError):
            if is_published(store, run_id):
                text = f"interrupted: run {run_id} is published; `patchlake report --lake {lake.text}` shows it"
        raise CommandError(text, ExitCode.INTERRUPTED) from None
