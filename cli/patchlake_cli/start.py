"""The start of the command: Ctrl-C ends it without a traceback while its modules are loaded."""

import signal


def main() -> None:
    """Load the command line and run it; a process that starts with Ctrl-C ignored keeps ignoring it."""
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from patchlake_cli.main import main as run  # noqa: PLC0415  # this takes the time

    signal.signal(signal.SIGINT, interrupt)
    run()
