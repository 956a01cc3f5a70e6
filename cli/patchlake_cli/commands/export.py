"""``patchlake export``: a snapshot without a deployment, from this machine."""

from typing import Annotated

import typer

from patchlake_cli.commands.options import (
    AccountsOption,
    AllowPartialOption,
    ExcludeAccountsOption,
    ExternalIdOption,
    InstancesOption,
    PatchesOption,
    ProfileOption,
    RegionsOption,
    RoleNameOption,
    ScheduledTimeOption,
    TagKeysOption,
    lake_option,
    refuse_unless,
    refuse_unused_role,
)
from patchlake_cli.exit_codes import ExitCode
from patchlake_cli.export.settings import (
    BATCH_SIZE,
    CONNECTIONS,
    DEADLINE_SECONDS,
    DETAIL_DEADLINE_SECONDS,
    ROLE_NAME,
    read_settings,
)
from patchlake_cli.lake.location import LakeLocation


def export(  # noqa: PLR0913  # one option each
    context: typer.Context,
    *,
    lake: Annotated[
        LakeLocation,
        lake_option("A folder, created if needed, or s3://BUCKET with an optional prefix."),
    ],
    accounts: AccountsOption = "self",
    exclude_accounts: ExcludeAccountsOption = "",
    regions: RegionsOption = None,
    role_name: RoleNameOption = ROLE_NAME,
    external_id: ExternalIdOption = "",
    profile: ProfileOption = None,
    run_id: ScheduledTimeOption = None,
    connections: Annotated[
        str, typer.Option(metavar="N", help="Concurrent calls to one account and region.")
    ] = f"{CONNECTIONS}",
    batch_size: Annotated[str, typer.Option(metavar="N", help="Nodes per stored object.")] = f"{BATCH_SIZE}",
    deadline: Annotated[
        str, typer.Option(metavar="SECONDS", help="Seconds after which a run is published with what it has read.")
    ] = f"{DEADLINE_SECONDS}",
    patches: PatchesOption = False,
    instances: InstancesOption = False,
    tag_keys: TagKeysOption = "",
    detail_deadline: Annotated[
        str,
        typer.Option(
            metavar="SECONDS", help="Seconds after which a run no longer waits for patches, instances and tags."
        ),
    ] = f"{DETAIL_DEADLINE_SECONDS}",
    allow_partial: AllowPartialOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as one JSON object.")] = False,
) -> ExitCode:
    """Take one snapshot from this machine, with your AWS credentials and without a deployment.

    You can stop it with Ctrl-C: the same command continues the run. Without --scheduled-time, it continues the newest
    unfinished run with the same settings, or else starts one for the current minute. If that minute already has a run
    with different settings, it waits for the next minute.

    Exit codes: 0 every node was read, 3 something could not be read and is named, 1 error, 130 interrupted with Ctrl-C:
    standard error says whether the run is published.

    Example: patchlake export --lake lake --regions eu-central-1,us-east-1
    """
    from patchlake_cli.export.interruption import saying_how_to_go_on

    settings = read_settings(
        accounts=accounts,
        exclude_accounts=exclude_accounts,
        regions=regions,
        role_name=role_name,
        external_id=external_id,
        connections=connections,
        batch_size=batch_size,
        deadline=deadline,
        patches=patches,
        instances=instances,
        tag_keys=tag_keys,
        detail_deadline=detail_deadline,
    )
    refuse_unused_role(context, settings.accounts)
    asks_for_details = patches or instances or bool(settings.tag_keys)
    refuse_unless(context, "detail_deadline", "--patches, --instances or --tag-keys", given=asks_for_details)
    with saying_how_to_go_on():
        from patchlake_cli.export.page import print_page
        from patchlake_cli.export.snapshot import take_snapshot

        exported = take_snapshot(lake, settings, profile, run_id)
    print_page(exported.page, exported.advice, lake.text, as_json=as_json)
    return ExitCode.of_run(exported.page.summary.run.status, allow_partial=allow_partial)
