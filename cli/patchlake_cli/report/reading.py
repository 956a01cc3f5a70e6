"""Reads the figures of a report from the views of a lake: each row of an answer becomes one plain value.

The views compute every figure. A list that may be long is cut to its most important rows, with the number of all rows.
"""

from patchlake_cli.lake.engine import Lake
from patchlake_cli.lake.gaps import UNREAD, left_out, no_snapshot
from patchlake_cli.lake.overview import PATCH_GAPS
from patchlake_cli.report.deadline_reading import read_deadlines
from patchlake_cli.report.figures import CoveredTarget, Details, Figures, LatestRun, Reason, Unread
from patchlake_cli.report.instance_figures import Ec2, Management, TagValue, TargetGap, UnmanagedInstance
from patchlake_cli.report.node_figures import (
    Account,
    Age,
    Change,
    Day,
    Findings,
    Fleet,
    OverdueNode,
    PatchGroup,
    Platform,
    Ungrouped,
)
from patchlake_cli.report.patch_figures import Patch, Patches, PatchGap
from patchlake_cli.report.rows import read_rows, read_shortlist
from patchlake_cli.report.words import CHANGES

NODES_SHOWN = 25
GROUPS_SHOWN = 25
PLATFORMS_SHOWN = 50
PATCHES_SHOWN = 200
ACCOUNTS_SHOWN = 100
TARGETS_SHOWN = 200
INSTANCES_SHOWN = 50
TAGS_SHOWN = 100

_READ_BY_MANY = (
    "changes_since_previous_run",
    "days_non_compliant",
    "exception_rows",
    "latest_known_nodes",
    "latest_patch_states",
    "latest_patches",
    "latest_tags",
    "node_tags",
    "patch_clocks",
    "policy_tags",
    "sla_breaches",
    "sla_rows",
    "target_compliance",
)
"""The views that are computed once for a whole report."""


def read_figures(lake: Lake) -> Figures:
    """Read all figures of the newest published run.

    Raises:
        LakeError: a file cannot be read.
    """
    [run] = read_rows(lake, LatestRun, "latest_run")
    return Figures(
        as_of=lake.now,
        settings=lake.settings,
        window_start=lake.window_start,
        no_snapshot=no_snapshot(lake) if run.run_id is None else None,
        run=run,
        unpublished=list(left_out(lake, run.run_id)),
        details=None if run.run_id is None else _details(lake),
    )


def _details(lake: Lake) -> Details:
    lake.keep(*_READ_BY_MANY)
    [fleet] = read_rows(lake, Fleet, "compliance_overall")
    kinds = dict(lake.select(_CHANGES_BY_KIND).rows)
    return Details(
        fleet=fleet,
        unread=_unread(lake, UNREAD),
        not_planned=_unread(lake, _NOT_PLANNED),
        findings=Findings(*lake.select(_FINDINGS).rows[0]),
        trend=read_rows(lake, Day, "compliance_trend ORDER BY run_date"),
        accounts=read_shortlist(
            lake,
            Account,
            "compliance_by_account",
            "targets_total = 0, compliant_percent NULLS FIRST, account_id",
            ACCOUNTS_SHOWN,
        ),
        platforms=read_shortlist(
            lake,
            Platform,
            "compliance_by_platform",
            "compliant_percent NULLS FIRST, platform_name, platform_version",
            PLATFORMS_SHOWN,
        ),
        patch_groups=read_shortlist(
            lake,
            PatchGroup,
            "compliance_by_patch_group WHERE patch_group IS NOT NULL",
            "CAST(nodes_non_compliant AS double) / nullif(nodes_listed, 0) DESC NULLS LAST, patch_group",
            GROUPS_SHOWN,
        ),
        ungrouped=Ungrouped(*lake.select(_UNGROUPED).rows[0]),
        overdue=read_shortlist(
            lake,
            OverdueNode,
            "days_non_compliant",
            "days_non_compliant DESC, is_lower_bound DESC, account_id, region, instance_id",
            NODES_SHOWN,
        ),
        overdue_states=[Reason(*row) for row in lake.select(_OVERDUE_STATES).rows],
        ages=[Age(*row) for row in lake.select(_AGES).rows],
        compared_with=[run_id for (run_id,) in lake.select(_COMPARED_WITH).rows],
        not_compared=kinds.pop("NOT_COMPARED", 0),
        changes_by_kind=kinds,
        changes=read_shortlist(
            lake,
            Change,
            "changes_since_previous_run WHERE instance_id IS NOT NULL",
            f"{_WORST_CHANGE_FIRST}, account_id, region, instance_id",
            NODES_SHOWN,
        ),
        unknown_nodes=[Reason(*row) for row in lake.select(_UNKNOWN_NODES).rows],
        unread_targets=[Reason(*row) for row in lake.select(_UNREAD_TARGETS).rows],
        patches=_patches(lake),
        deadlines=read_deadlines(lake),
        ec2=_ec2(lake),
        coverage=read_shortlist(
            lake,
            CoveredTarget,
            "latest_coverage WHERE is_planned",
            "CASE listing_status WHEN 'LISTED' THEN 2 WHEN 'ACCOUNT_NOT_ACTIVE' THEN 1 ELSE 0 END, account_id, region",
            TARGETS_SHOWN,
        ),
        left_targets=read_shortlist(
            lake,
            CoveredTarget,
            f"latest_coverage WHERE {_NOT_PLANNED}",
            "account_id, region",
            TARGETS_SHOWN,
        ),
    )


def _unread(lake: Lake, where: str) -> Unread:
    found = lake.select(
        f"""
        SELECT
          count(*), sum(last_known_nodes), sum(last_known_rows_without_id), count_if(last_known_nodes IS NULL)
        FROM latest_coverage
        WHERE {where}
        """  # noqa: S608
    )
    return Unread(*found.rows[0])


def _patches(lake: Lake) -> Patches:
    worst = read_shortlist(
        lake,
        Patch,
        "patches_overview WHERE nodes_lower_bound > 0",
        "nodes_lower_bound DESC, severity_rank DESC, kb_id, title",
        PATCHES_SHOWN,
    )
    cve_ids: dict[tuple[str, str], list[str]] = {(patch.kb_id, patch.title): [] for patch in worst.rows}
    if cve_ids:
        for kb_id, title, cve in lake.select("SELECT kb_id, title, cve FROM patch_cves ORDER BY cve").rows:
            cve_ids.get((kb_id, title), []).append(cve)
    return Patches([PatchGap(*row) for row in lake.select(PATCH_GAPS).rows], worst, cve_ids)


def _ec2(lake: Lake) -> Ec2:
    return Ec2(
        management=[Management(*row) for row in lake.select(_MANAGEMENT).rows],
        unmanaged=read_shortlist(
            lake,
            UnmanagedInstance,
            "unmanaged_instances",
            "launch_time, account_id, region, instance_id",
            INSTANCES_SHOWN,
        ),
        gaps=read_shortlist(lake, TargetGap, "targets_not_known", "account_id, region", TARGETS_SHOWN),
        tags=read_shortlist(
            lake,
            TagValue,
            "compliance_by_tag WHERE tag_key IS NOT NULL",
            "tag_key, tag_status <> 'READ', compliant_percent NULLS FIRST, tag_status, tag_value",
            TAGS_SHOWN,
        ),
    )


_NOT_PLANNED = "is_active AND NOT is_planned"
_MANAGEMENT = """
    SELECT management, unknown_reason, count(*) AS instances
    FROM instance_management
    WHERE is_latest
    GROUP BY management, unknown_reason
    ORDER BY management, unknown_reason NULLS FIRST
"""
_FINDINGS = """
    SELECT
      CASE WHEN count(*) > 0 THEN count_if(critical_non_compliant_count > 0) END,
      CASE WHEN count(*) > 0 THEN count_if(security_non_compliant_count > 0) END,
      CASE WHEN count(*) > 0 THEN count_if(other_non_compliant_count > 0) END,
      CASE WHEN count(*) > 0 THEN count_if(failed_count > 0) END,
      CASE WHEN count(*) > 0 THEN count_if(installed_pending_reboot_count > 0) END,
      CASE
        WHEN count(*) > 0 THEN count_if(
          critical_non_compliant_count IS NULL
          OR security_non_compliant_count IS NULL
          OR other_non_compliant_count IS NULL
          OR failed_count IS NULL
          OR installed_pending_reboot_count IS NULL
        )
      END
    FROM latest_patch_states
"""
_UNGROUPED = """
    SELECT coalesce(sum(nodes_listed), 0), coalesce(sum(nodes_unread), 0)
    FROM compliance_by_patch_group
    WHERE patch_group IS NULL
"""
_OVERDUE_STATES = """
    SELECT coalesce(unknown_reason, compliance_status) AS reason, count(*) AS how_many
    FROM days_non_compliant
    GROUP BY coalesce(unknown_reason, compliance_status)
    ORDER BY reason <> 'NON_COMPLIANT', how_many DESC, reason
"""
_AGES = """
    SELECT days_non_compliant, is_lower_bound, count(*)
    FROM days_non_compliant
    GROUP BY days_non_compliant, is_lower_bound
    ORDER BY days_non_compliant, is_lower_bound
"""
_CHANGES_BY_KIND = """
    SELECT change, count(*)
    FROM changes_since_previous_run
    GROUP BY change
    ORDER BY change
"""
_COMPARED_WITH = """
    SELECT DISTINCT previous_read_run_id
    FROM target_runs
    WHERE is_latest AND listing_status = 'LISTED' AND previous_read_run_id IS NOT NULL
    ORDER BY previous_read_run_id DESC
"""
_UNKNOWN_NODES = """
    SELECT unknown_reason, count(*) AS how_many
    FROM latest_patch_states
    WHERE compliance_status = 'UNKNOWN'
    GROUP BY unknown_reason
    ORDER BY how_many DESC, unknown_reason
"""
_UNREAD_TARGETS = f"""
    SELECT listing_status, count(*) AS how_many
    FROM latest_coverage
    WHERE {UNREAD}
    GROUP BY listing_status
    ORDER BY how_many DESC, listing_status
"""  # noqa: S608
_WORST_CHANGE_FIRST = (
    f"CASE change {' '.join(f"WHEN '{change}' THEN {place}" for place, change in enumerate(CHANGES))} END"
)
