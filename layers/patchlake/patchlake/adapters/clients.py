"""The SDK's clients, with a limit for the total time of each call, and with one kind of error for unreadable answers.

The clients that a ``LimitedSession`` makes by itself, to get credentials, have both, too.
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.configprovider import SmartDefaultsConfigStoreFactory
from botocore.credentials import ContainerProvider, InstanceMetadataProvider
from botocore.exceptions import BotoCoreError
from botocore.parsers import ResponseParserError
from botocore.utils import IMDSRegionProvider

from patchlake.adapters.addresses import require_addresses
from patchlake.adapters.answer_encoding import unasked_encoding
from patchlake.adapters.answer_form import FIRST_ERROR_STATUS, failure_in, is_in_form
from patchlake.adapters.answer_times import read_time
from patchlake.adapters.error_bodies import keep_errors_readable
from patchlake.adapters.s3_redirects import follow_only_regions
from patchlake.adapters.session_credentials import renew_readably, require_metadata
from patchlake.adapters.timed_connections import limit_calls
from patchlake.core.timings import CALL
from patchlake.errors import ConfigError

if TYPE_CHECKING:
    import boto3

_TIME_OUTS = Config(connect_timeout=CALL.connect_seconds, read_timeout=CALL.answer_seconds)

CONFIG = _TIME_OUTS.merge(Config(retries={"mode": "standard", "total_max_attempts": CALL.attempts}))
"""The time-outs and attempts of every call."""

LARGEST_ANSWER = 64 * 1024 * 1024
"""The most bytes of an answer of any service but S3, whose objects may be of any size."""

REQUIRE_SUCCESS = "RequireSuccess"
"""The name of the check of answers without an error status."""


def make_client(session: "boto3.Session", service: str, config: Config | None = None, region: str | None = None) -> Any:  # noqa: ANN401  # each service has its own type
    """Make a client whose calls end, and whose errors have their HTTP status.

    Args:
        session: the session.
        service: the service, by its name in the SDK.
        config: what differs from ``CONFIG``.
        region: the region, by default that of the session.

    Raises:
        ConfigError: a setting cannot be used, such as the address of the endpoint or of the proxy.
    """
    own = CONFIG if config is None else CONFIG.merge(config)
    try:
        client: Any = session.client(service, region_name=region, config=own)  # type: ignore[call-overload]
    except BotoCoreError:
        raise
    except ValueError as error:
        msg = f"the AWS settings of your environment or profile cannot be used for {service}: {error}"
        raise ConfigError(msg) from error
    require_addresses(service, client.meta.endpoint_url)
    _guard(client)
    return client


class LimitedSession(botocore.session.Session):
    """A session of the SDK whose own calls, those for credentials, end as those of ``make_client`` do.

    The SDK makes clients to assume the role of a profile or to ask IAM Identity Center, and asks a container or the
    instance metadata, for the region too, without one. It makes as many attempts as the user's settings say.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        """Make a session as the SDK does."""
        super().__init__(*arguments, **options)
        self.set_default_client_config(_TIME_OUTS)

    def create_client(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        """Make a client as the SDK does, whose calls end, and whose errors have their HTTP status."""
        client = super().create_client(*arguments, **options)
        _guard(client)
        return client

    # The SDK has no setting for these. Tests with answers that trickle in show that they are used.
    def _create_credential_resolver(self) -> Any:  # noqa: ANN401
        resolver: Any = super()._create_credential_resolver()  # type: ignore[misc]
        container = resolver.get_provider(ContainerProvider.METHOD)._fetcher  # noqa: SLF001
        instance = resolver.get_provider(InstanceMetadataProvider.METHOD)._role_fetcher  # noqa: SLF001
        for fetcher in (container, instance):
            limit_calls(fetcher._session, CALL.answer_seconds, LARGEST_ANSWER)  # noqa: SLF001
        require_metadata(instance)
        return resolver

    def _register_smart_defaults_factory(self) -> None:
        def make_factory() -> SmartDefaultsConfigStoreFactory:
            defaults = self._get_internal_component("default_config_resolver")  # type: ignore[attr-defined]
            return SmartDefaultsConfigStoreFactory(defaults, _LimitedRegions(self))

        components: Any = self._internal_components  # type: ignore[attr-defined]
        components.lazy_register_component("smart_defaults_factory", make_factory)


class _LimitedRegions(IMDSRegionProvider):
    """The region of this machine, which ``AWS_DEFAULTS_MODE=auto`` asks the instance metadata for."""

    def _create_fetcher(self) -> Any:  # noqa: ANN401
        fetcher: Any = super()._create_fetcher()  # type: ignore[misc]
        limit_calls(fetcher._session, CALL.answer_seconds, LARGEST_ANSWER)  # noqa: SLF001
        return fetcher


def _guard(client: Any) -> None:  # noqa: ANN401
    """Let the calls of a client end, and its errors have their HTTP status; once for each client."""
    # The SDK has no settings for these.
    endpoint = client._endpoint  # noqa: SLF001
    if isinstance(endpoint._response_parser_factory, _Parsers):  # noqa: SLF001
        return
    endpoint._response_parser_factory = _Parsers(endpoint._response_parser_factory)  # noqa: SLF001
    largest = math.inf if client.meta.service_model.service_name == "s3" else LARGEST_ANSWER
    limit_calls(endpoint.http_session, client.meta.config.read_timeout, largest)
    client.meta.events.register("before-parse", _require_success, unique_id=REQUIRE_SUCCESS)
    client.meta.events.register("before-parse.s3", _drop_expiry, unique_id="DropExpiry")
    keep_errors_readable(client.meta.events)
    follow_only_regions(client.meta.events)
    renew_readably(client)


def _require_success(response_dict: Mapping[str, Any], **_: object) -> None:
    status = response_dict["status_code"]
    if status < FIRST_ERROR_STATUS and (failure := failure_in(status, response_dict["headers"])):
        raise ResponseParserError(failure)


def _drop_expiry(response_dict: Mapping[str, Any], **_: object) -> None:
    """Drop a header that is not needed: proxies send 0 in it, and uploaders of objects any text."""
    response_dict["headers"].pop("Expires", None)


class _Parsers:
    """The SDK's parsers, with one error for every malformed answer.

    A parser trusts the answer: for a malformed one, it raises an error of Python, or one that repeats the whole body.
    The body may contain credentials. It also reads what is no time as one.
    """

    def __init__(self, factory: Any) -> None:  # noqa: ANN401
        self._factory = factory

    def create_parser(self, protocol: str) -> Any:  # noqa: ANN401
        """Return the parser of a protocol."""
        parser = self._factory.create_parser(protocol)
        # The SDK has a setting for this, but of the session, and so of clients that are not ours.
        parser._timestamp_parser = read_time  # noqa: SLF001
        parse = parser.parse

        def parse_or_refuse(answer: dict[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401
            found: Any = None
            # Not with the SDK's error as the cause: a log of both would have the body.
            with suppress(ResponseParserError, LookupError, AttributeError, TypeError, ValueError, RuntimeError):
                found = parse(answer, shape) if is_in_form(answer, protocol, shape) else None
            if isinstance(found, dict):
                return found
            encoding = unasked_encoding(answer["headers"])
            msg = f"the answer was cut short, or is malformed{encoding}"
            raise ResponseParserError(msg)

        parser.parse = parse_or_refuse
        return parser
