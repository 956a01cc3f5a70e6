"""The embedded EC2: three operations of moto's, with the fleet's instances and regions, and the API's behavior.

moto reads the requests and writes the errors. It knows no token that expires, no number of rows that is too large and
no hidden instance, and its DescribeTags has no pages: that is answered here, from the fleet, and nothing is stored in
moto. moto has the same regions in every account. Source: the API reference of DescribeInstances, DescribeTags and
DescribeRegions, and EC2's list of error codes.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import batched
from typing import Any, Final

from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response
from moto.ec2.utils import simple_aws_filter_to_re

from patchlake.core.targets import Target
from patchlake_cli.embedded.aws.ec2_fleet import Ec2Fleet
from patchlake_cli.embedded.aws.ec2_xml import answer
from patchlake_cli.embedded.aws.faults import Fault
from patchlake_cli.embedded.aws.pages import Pages, page_size
from patchlake_cli.embedded.aws.settings import FaultRates
from patchlake_cli.embedded.aws.ssm_calls import Call, Chain
from patchlake_cli.embedded.aws.state import State

_RESULTS: Final = (5, 1000)
_TAG_FILTERS: Final = {"key", "resource-id", "resource-type", "value"}
_INSTANCES_PER_RESERVATION: Final = 3


class EmbeddedEc2(EC2Response):
    """One call of EC2.

    Args:
        state: of the embedded AWS.
        fleet: the instances of the fleet.
    """

    def __init__(self, state: State, fleet: Ec2Fleet) -> None:
        super().__init__()
        self._state = state
        self._fleet = fleet
        self._pages = Pages(state.settings.seed)

    def answer(self, request: Request, url: str, headers: object) -> TYPE_RESPONSE:
        """Answer the call; the answer may break off."""
        status, answered, body = self._dispatch(request, url, headers)
        return status, answered, body[: 1 + len(body) // 2] if self._breaks_off(request) else body

    def describe_instances(self) -> str:  # type: ignore[override]
        """Return a page of the target's instances; those that a service manages only where they are asked for.

        Raises:
            EC2ClientError: the request is not valid, or refused.
        """
        if self._get_param("Filters") or self._get_param("InstanceIds"):
            raise EC2ClientError("InvalidParameterValue", "The embedded EC2 has no filters of instances.")
        with_managed = self._get_param("IncludeManagedResources") in {True, "true"}
        rows = [
            {**instance.members, "Tags": [{"Key": key, "Value": value} for key, value in instance.tags.items()]}
            for instance in self._fleet.of(self._target)
            if with_managed or not instance.members["Operator"]["Managed"]
        ]
        page, token = self._page("DescribeInstances", str(with_managed), rows)
        reservations = [
            {"ReservationId": f"r-{found[0]['InstanceId'].partition('-')[2]}", "Instances": list(found)}
            for found in batched(page, _INSTANCES_PER_RESERVATION, strict=False)
        ]
        return answer("DescribeInstances", {"Reservations": reservations, "NextToken": token})

    def describe_tags(self) -> str:  # type: ignore[override]
        """Return a page of the tags of the target's instances that pass the filters, which may have wildcards.

        Raises:
            EC2ClientError: the request is not valid, or refused.
        """
        filters = self._filters_from_querystring()
        if unknown := filters.keys() - _TAG_FILTERS:
            raise EC2ClientError("InvalidParameterValue", f"The filter '{min(unknown)}' is invalid.")
        patterns = {name: [simple_aws_filter_to_re(value) for value in values] for name, values in filters.items()}
        rows = [
            {"ResourceId": instance.instance_id, "ResourceType": "instance", "Key": key, "Value": value}
            for instance in self._fleet.of(self._target)
            for key, value in instance.tags.items()
        ]
        passing = [row for row in rows if all(_passes(row[_member(name)], patterns[name]) for name in patterns)]
        page, token = self._page("DescribeTags", str(sorted(filters.items())), passing)
        return answer("DescribeTags", {"Tags": page, "NextToken": token})

    def describe_regions(self) -> str:  # type: ignore[override]
        """Return the regions that the account has enabled, or all of them.

        Raises:
            EC2ClientError: the request has a filter, or is refused.
        """
        if self._get_param("Filters") or self._get_param("RegionNames"):
            raise EC2ClientError("InvalidParameterValue", "The embedded EC2 has no filters of regions.")
        is_whole = self._get_param("AllRegions") in {True, "true"}
        states = {
            region: "not-opted-in"
            if self._state.conditions.disables(self._target._replace(region=region))
            else "opted-in"
            for region in self._state.settings.region_list()
        }
        regions = [
            {"RegionName": region, "Endpoint": f"ec2.{region}.amazonaws.com", "OptInStatus": state}
            for region, state in states.items()
            if is_whole or state == "opted-in"
        ]
        return answer("DescribeRegions", {"Regions": regions})

    def _breaks_off(self, request: Request) -> bool:
        state, form = self._state, str(sorted(request.form.items()))
        call = Call(self._target, "body", blake2b(form.encode(), digest_size=16).hexdigest())
        rates = FaultRates(truncated_body=state.conditions.faults.truncated_body)
        fault = state.faults.of(call, state.faults.attempt(call), rates)
        if fault is not None:
            state.counts.fault(fault)
        return fault is not None

    @property
    def _target(self) -> Target:
        return Target(self.current_account, self.region)

    def _page(
        self, operation: str, question: str, rows: Sequence[dict[str, Any]]
    ) -> tuple[Sequence[dict[str, Any]], str | None]:
        """Return the page that a request asks for, and the token of the next one."""
        state, asked = self._state, int(self._get_param("MaxResults", _RESULTS[1]))
        least, most = _RESULTS
        if not least <= asked <= most:
            raise EC2ClientError(
                "InvalidParameterValue",
                f"Value ( {asked} ) for parameter maxResults is invalid. Expecting {least} to {most}.",
            )
        chain = Chain(self._target, operation, blake2b(f"{asked} {question}".encode(), digest_size=16).hexdigest())
        start, index = self._resumed(chain, self._get_param("NextToken"))
        dice = self._pages.dice(chain, state.day, index)
        end = min(start + page_size(dice, asked, state.conditions), len(rows))
        if end < len(rows):
            return rows[start:end], self._pages.token(chain, state.day, end, index + 1)
        return rows[start:end], "" if dice.below(2) else None

    def _resumed(self, chain: Chain, token: str | None) -> tuple[int, int]:
        state = self._state
        try:
            start, index = (0, 0) if token is None else self._pages.resumed(chain, state.day, token)
        except ValueError as error:
            raise EC2ClientError("InvalidNextToken", "The specified NextToken is not valid.") from error
        attempt = state.faults.attempt(Call(chain.target, f"token of {chain.operation}", f"{chain.question} {index}"))
        if state.faults.refuses_token(chain, index, attempt, state.conditions.faults):
            state.counts.fault(Fault.INVALID_NEXT_TOKEN)
            raise EC2ClientError("InvalidPaginationToken", "The specified pagination token is not valid.")
        return start, index


def _member(name: str) -> str:
    return {"key": "Key", "resource-id": "ResourceId", "resource-type": "ResourceType", "value": "Value"}[name]


def _passes(value: str, patterns: Iterable[str]) -> bool:
    return any(re.match(pattern, value) for pattern in patterns)
