"""The redirects of S3 that the SDK follows: those to a region, whose name it takes from the answer."""

from typing import Any

from botocore.exceptions import InvalidRegionError
from botocore.utils import validate_region_name

_HEADER = "x-amz-bucket-region"


def follow_only_regions(events: Any) -> None:  # noqa: ANN401  # each kind has its own type
    """Let the client with these events return a redirect as an error, unless S3 names the region of the bucket.

    By itself the SDK asks for the region with HeadBucket, whose redirect makes it ask again, until Python ends that.
    A name that is no region makes it raise an error that hides the answer.
    """
    events.register_first("needs-retry.s3", _follow_only_to_a_region, unique_id="FollowOnlyRegions")


def _follow_only_to_a_region(request_dict: Any, response: Any, operation: Any, **_: object) -> None:  # noqa: ANN401
    if response is None:
        return
    answer = response[1]
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    named = headers.get(_HEADER, answer.get("Error", {}).get("Region"))
    is_last = operation.name == "HeadBucket"
    may_follow = not is_last if named is None else _is_region(named)
    if may_follow:
        return
    request_dict["context"]["s3_redirect"]["redirected"] = True
    if is_last:
        # The SDK takes the name from the error, too.
        headers.pop(_HEADER, None)


def _is_region(name: str) -> bool:
    try:
        validate_region_name(name)
    except InvalidRegionError:
        return False
    return name != ""
