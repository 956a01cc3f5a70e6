"""The addresses of endpoints and proxies, which people set: no retry corrects one that cannot be used.

The SDK accepts nearly every text, and fails at each call as if AWS did not answer.
"""

import re
from urllib.parse import urlsplit

from botocore.utils import get_environ_proxies
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from patchlake.errors import ConfigError

_SCHEMES = ("http", "https")
_EXPECTED = "expected http://HOST or https://HOST, with an optional port"
_ADDRESS = re.compile(r"(?P<scheme>\b\w{1,20}://)(?:[^\s\"'`<>]*@)?(?P<rest>[^\s\"'`<>]*)")


def require_addresses(service: str, endpoint: str) -> None:
    """Require that the addresses of a service's endpoint and of the proxy to it can be used.

    Raises:
        ConfigError: one cannot.
    """
    if not _is_usable(endpoint):
        name = service.upper().replace("-", "_")
        msg = (
            f"the endpoint of {service} cannot be used: it is {without_secrets(endpoint)!r}, {_EXPECTED}. Correct "
            f"AWS_ENDPOINT_URL_{name}, AWS_ENDPOINT_URL, or endpoint_url in the profile"
        )
        raise ConfigError(msg)
    require_proxy(endpoint)


def require_proxy(url: str) -> None:
    """Require that the proxy can be used that the environment names for an address, if it names one.

    Raises:
        ConfigError: it cannot. The text does not repeat it, since it may contain a password.
    """
    scheme = urlsplit(url).scheme
    proxy = get_environ_proxies(url).get(scheme)
    # As for the SDK, an address without a scheme is one of http.
    if proxy and not _is_usable(proxy if "://" in proxy else f"http://{proxy.removeprefix('//')}"):
        msg = f"{scheme.upper()}_PROXY cannot be used as the address of a proxy: {_EXPECTED}. Correct it, or remove it"
        raise ConfigError(msg)


def _is_usable(url: str) -> bool:
    try:
        parts = parse_url(url)
    except LocationParseError:
        return False
    return parts.scheme in _SCHEMES and bool(parts.host) and parts.query is None and parts.fragment is None


def without_secrets(text: str) -> str:
    """Return a text without the user, the password and the query of each address in it."""
    return _ADDRESS.sub(lambda address: f"{address['scheme']}{address['rest'].partition('?')[0]}", text)
