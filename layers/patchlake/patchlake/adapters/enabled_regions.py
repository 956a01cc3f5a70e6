"""The regions that our own account has enabled, as EC2 lists them."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from botocore.exceptions import UnknownRegionError
from msgspec import field

from patchlake.adapters.aws_errors import AWS_ERRORS, passes
from patchlake.adapters.explanations import explained
from patchlake.adapters.raw_answers import keep_raw_answers, page_of
from patchlake.adapters.target_apis import decoder_of
from patchlake.core.paging import IF_IT_LASTS, read_chain
from patchlake.core.records import Page, Record
from patchlake.core.targets import REGION_PATTERN
from patchlake.errors import PermanentError, RetryableError
from patchlake.sources.source import Operation

MOST_REGIONS = 1_000
"""More regions than AWS has."""

NOT_ENABLED = "not-opted-in"
"""The state of a region that the account has not enabled; one in any other state, or in none, is read."""


class ListedRegion(Record, frozen=True, kw_only=True):
    """A region as DescribeRegions returns it."""

    name: str | None = field(name="RegionName", default=None)
    state: str | None = field(name="OptInStatus", default=None)


DESCRIBE_REGIONS = Operation("ec2", "DescribeRegions", "Regions", ListedRegion, page_size=MOST_REGIONS)


def enabled_regions(ec2: Any, partition_of: Callable[[str], str]) -> Sequence[str]:  # noqa: ANN401
    """Return the regions that the account of a client has enabled, sorted.

    Args:
        ec2: a client of EC2.
        partition_of: returns the partition of a region, and raises UnknownRegionError for one newer than the SDK.

    Raises:
        PermanentError: the account may not list them.
        RetryableError: EC2 could not answer for now, or its list is not that of the account: a region has no name or
            is in another partition, or that of the client is not in it.
    """
    keep_raw_answers(ec2)
    decoder = decoder_of(DESCRIBE_REGIONS, ec2)

    def page(_token: str | None) -> Page[Record]:
        try:
            answer = ec2.describe_regions()
        except AWS_ERRORS as error:
            msg = f"EC2 {DESCRIBE_REGIONS.name} failed: {explained(error, f'ec2:{DESCRIBE_REGIONS.name}')}"
            if passes(error):
                raise RetryableError(msg) from error
            msg += (
                f". Expected: your own account allows ec2:{DESCRIBE_REGIONS.name}; or the regions are given as a list"
            )
            raise PermanentError(msg) from error
        return page_of(answer, decoder, answered_at_ms=0)

    def names(pages: Iterable[Page[Record]]) -> list[str]:
        rows = (record for each in pages for _, record in each.reasons_and_records())
        return [name for name, state in map(_named, rows) if state != NOT_ENABLED]

    regions = sorted({*read_chain(page, names, MOST_REGIONS, f"EC2 {DESCRIBE_REGIONS.name}")})
    own = ec2.meta.region_name
    if own not in regions:
        msg = (
            f"EC2 {DESCRIBE_REGIONS.name} failed: its list of {len(regions)} enabled regions lacks {own}, which "
            "answered, so others may be missing too. Retry in a minute; if the problem persists, give the "
            "regions as a list"
        )
        raise RetryableError(msg)
    if foreign := [region for region in regions if not _is_in(ec2.meta.partition, region, partition_of)]:
        msg = (
            f"EC2 {DESCRIBE_REGIONS.name} failed: its list has {', '.join(foreign[:3])}, not in the partition "
            f"{ec2.meta.partition} of {own}. {IF_IT_LASTS}"
        )
        raise RetryableError(msg)
    return regions


def _is_in(partition: str, region: str, partition_of: Callable[[str], str]) -> bool:
    try:
        return partition_of(region) == partition
    except UnknownRegionError:
        # It may be newer than the SDK.
        return True


def _named(found: Record | None) -> tuple[str, str | None]:
    """Return the name and state of a region; without a name, the whole list is refused: a target would be missing."""
    match found:
        case ListedRegion(name=str(name)) if re.match(REGION_PATTERN, name):
            return name, found.state
    msg = f"EC2 {DESCRIBE_REGIONS.name} failed: it lists a region without a name such as eu-central-1. {IF_IT_LASTS}"
    raise RetryableError(msg)
