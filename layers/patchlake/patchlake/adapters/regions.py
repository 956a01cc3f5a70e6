"""The regions that a session can read: those with SSM, in the partition of its credentials."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import boto3


def region_problem(session: "boto3.Session", regions: Iterable[str]) -> str | None:
    """Return the reason why no run can read all of these regions; None if there is none.

    The SDK's list decides, so a region that is newer than the SDK is unknown. Credentials are of one partition, that of
    the session's own region: AWS, AWS China and the others share no account.
    """
    partitions = {
        region: partition
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("ssm", partition)
    }
    regions = set(regions)
    if unknown := regions - partitions.keys():
        return f"{_listed(unknown)}: the AWS SDK knows no such region of SSM"
    own = session.get_partition_for_region(session.region_name)
    if foreign := {region for region in regions if partitions[region] != own}:
        others = _listed({partitions[region] for region in foreign})
        return (
            f"{_listed(foreign)}: in the partition {others}, but the session in {session.region_name} has credentials "
            f"of {own}. Read each partition with its own credentials, into a lake of its own"
        )
    return None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
