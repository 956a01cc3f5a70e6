"""``patchlake template``: the files to deploy, without a clone of the repository."""

from pathlib import Path
from typing import Annotated

import typer

from patchlake_cli.absent_path import absence
from patchlake_cli.exit_codes import CommandError
from patchlake_cli.option_values import path, wrong_value


def template(
    *,
    out: Annotated[Path, path("Folder to write to, created if needed; it must be empty.")] = Path("patchlake-template"),
) -> None:
    """Write the SAM template of this version to a folder, with everything that `sam build` needs.

    The folder then holds template.yaml, samconfig.toml, the code of the functions and layers, and the templates of the
    member role and of QuickSight.

    Exit codes: 0 written, 1 error.

    Example: patchlake template --out patchlake-template
    """
    import shlex

    from patchlake_cli.project_files import is_empty, write_deployable

    try:
        if out.is_symlink() and not out.exists():
            raise CommandError(f"{out} {absence(out)}")
        if out.exists() and (not out.is_dir() or not is_empty(out)):
            raise wrong_value(out, "a folder that is new or empty", "--out")
        write_deployable(out)
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror or error}") from error
    typer.echo(f"Template: {out / 'template.yaml'}\n")
    typer.echo(f"Next: cd {shlex.quote(str(out))} && sam build && sam deploy --guided")
