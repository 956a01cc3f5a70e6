"""``patchlake demo``: the deployed handlers, a simulated fleet, an embedded AWS, one snapshot per day."""

from pathlib import Path
from typing import Annotated

import typer

from patchlake_cli.commands.options import (
    FleetAccountsOption,
    FleetNodesOption,
    FleetRegionsOption,
    InstancesOption,
    PatchesOption,
    TagKeysOption,
)
from patchlake_cli.option_values import path, whole_number


def demo(  # noqa: PLR0913
    *,
    nodes: FleetNodesOption = 5000,
    accounts: FleetAccountsOption = 3,
    regions: FleetRegionsOption = 2,
    days: Annotated[int, whole_number("Number of days, with one run each", 1, 60)] = 7,
    seed: Annotated[
        int, whole_number("Seed of the fleet and the faults; the same seed gives the same bytes", 0, 999_999_999)
    ] = 7,
    patches: PatchesOption = True,
    instances: InstancesOption = True,
    tag_keys: TagKeysOption = "Owner,Environment",
    detail_deadline: Annotated[
        int,
        whole_number(
            "Seconds of the simulated clock after which a run no longer waits for patches, instances and tags",
            60,
            604_800,
        ),
    ] = 3600,
    faults: Annotated[bool, typer.Option(help="Let SSM and EC2 throttle, fail and truncate answers.")] = False,
    out: Annotated[Path, path("Folder for the lake; the folder of an earlier demo is replaced.")] = Path("demo"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the last run as one JSON object.")] = False,
) -> None:
    """Run the whole pipeline on this machine, against an embedded AWS.

    The four Lambda handlers read a simulated fleet over HTTP and write one Parquet snapshot per day to OUT/lake. The
    figures are in OUT/report.html.

    Exit codes: 0 every run has a snapshot, even if the last one is PARTIAL; 1 error, 130 interrupted with Ctrl-C.

    Example: patchlake demo --nodes 50000 --faults
    """
    import json
    import shlex

    from patchlake_cli.embedded.aws.settings import NO_FAULTS, USUAL_FAULTS, Conditions, Settings
    from patchlake_cli.embedded.demo import run_days
    from patchlake_cli.embedded.demo_folder import replace_folder
    from patchlake_cli.export.settings import option_value
    from patchlake_cli.lake.overview import answer_questions
    from patchlake_cli.report.page import render_page
    from patchlake_cli.report.reading import read_figures
    from patchlake_cli.terminal.console import error_console, output_console, own_name
    from patchlake_cli.terminal.progress import RunProgress
    from patchlake_cli.terminal.run_summary import print_run
    from patchlake_cli.written_file import write_file

    settings = Settings(
        seed=seed,
        nodes=nodes,
        accounts=accounts,
        regions=regions,
        days=days,
        conditions=Conditions(faults=USUAL_FAULTS if faults else NO_FAULTS),
    )
    parameters = {
        "CollectPatches": str(patches).lower(),
        "CollectInstances": str(instances).lower(),
        "TagKeys": ",".join(option_value("--tag-keys", tag_keys, "PATCHLAKE_TAG_KEYS")),
        "DetailDeadlineSeconds": str(detail_deadline),
    }
    report = out / "report.html"
    replace_folder(out)
    with RunProgress(error_console()) as progress:
        lake, summary = run_days(settings, out, progress, parameters)
        write_file(render_page(read_figures(lake)).encode(), report)
    if as_json:
        typer.echo(json.dumps(summary.as_json() | {"report": str(report)}))
        return
    print_run(output_console(), summary, answer_questions(lake))
    typer.echo(f"Report: {report}\n")
    typer.echo(f"Next: {own_name()} query --lake {shlex.quote(str(out))} --named overdue_nodes --param days=3")
