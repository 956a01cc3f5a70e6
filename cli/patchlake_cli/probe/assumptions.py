"""The assumptions that a probe judges, by their names in docs/aws-assumptions.md."""

from typing import Final

from patchlake.core.timings import LONGEST_PAGE_SECONDS
from patchlake_cli.probe.findings import Assumption, Finding
from patchlake_cli.probe.listing_judgement import (
    judge_date_header,
    judge_last_page,
    judge_limit,
    judge_node_list,
    judge_page_seconds,
    judge_service_managed,
    judge_stopped_nodes,
    judge_tag_wildcards,
    judge_throttling,
    judge_unknown_node,
)
from patchlake_cli.probe.observations import Observations
from patchlake_cli.probe.patch_judgement import (
    judge_cves,
    judge_installed_time,
    judge_patch_counts,
    judge_patch_filter,
    judge_severity_counts,
    judge_spelling,
    judge_year_one,
)

ASSUMPTIONS: Final = (
    Assumption(
        "node_list",
        "DescribeInstanceInformation lists every running and hybrid node that DescribeInstanceProperties lists",
        judge_node_list,
    ),
    Assumption(
        "node_pages",
        "DescribeInstanceInformation returns at most 50 nodes per page",
        judge_limit("node_pages", only_of_rows=True),
    ),
    Assumption("stopped_nodes", "DescribeInstanceInformation leaves out stopped instances", judge_stopped_nodes),
    Assumption(
        "page_seconds",
        f"a page of DescribeInstanceInformation takes at most {LONGEST_PAGE_SECONDS} s",
        judge_page_seconds,
    ),
    Assumption("last_page", "the last page of SSM has no NextToken, or an empty one", judge_last_page),
    Assumption("patch_state_ids", "DescribeInstancePatchStates takes at most 50 ids", judge_limit("patch_state_ids")),
    Assumption(
        "patch_state_pages",
        "DescribeInstancePatchStates takes at most 50 as MaxResults, not 100",
        judge_limit("patch_state_pages"),
    ),
    Assumption(
        "unknown_node",
        "DescribeInstancePatchStates silently leaves out a node that SSM does not know",
        judge_unknown_node,
    ),
    Assumption(
        "patch_pages",
        "DescribeInstancePatches takes at most 50 as MaxResults, not 100",
        judge_limit("patch_pages"),
    ),
    Assumption(
        "patch_filter",
        "DescribeInstancePatches takes several states in one filter, and returns all their patches",
        judge_patch_filter,
    ),
    Assumption("patch_spelling", "State comes in CamelCase", judge_spelling),
    Assumption("installed_time", "InstalledTime of a patch that is not installed is 0", judge_installed_time),
    Assumption("year_one", "the year 1 stands for an absent time", judge_year_one),
    Assumption("cve_ids", "only Missing and Failed patches name CVEs", judge_cves),
    Assumption("patch_counts", "a node has as many patches in a state as its patch state counts", judge_patch_counts),
    Assumption(
        "severity_counts", "the three severity counts leave out available security updates", judge_severity_counts
    ),
    Assumption(
        "ssm_throttling",
        "a throttled call of SSM ends with ThrottlingException",
        judge_throttling("ssm", "ThrottlingException"),
    ),
    Assumption(
        "instance_pages",
        "DescribeInstances returns at most 1,000 instances per page",
        judge_limit("instance_pages", only_of_rows=True),
    ),
    Assumption(
        "service_managed",
        "IncludeManagedResources adds the instances that AWS services operate",
        judge_service_managed,
    ),
    Assumption("tag_wildcards", "* in a filter of DescribeTags is a wildcard", judge_tag_wildcards),
    Assumption(
        "ec2_throttling",
        "a throttled call of EC2 ends with RequestLimitExceeded",
        judge_throttling("ec2", "RequestLimitExceeded"),
    ),
    Assumption("date_header", "the Date header of an answer is accurate to within minutes", judge_date_header),
)


def judge(seen: Observations) -> list[Finding]:
    """Return the verdict on every assumption."""
    return [Finding(each.name, each.statement, *each.judge(seen)) for each in ASSUMPTIONS]
