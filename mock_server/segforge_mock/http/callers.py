"""Decides who may call the admin API: programs, and pages of the mock's own origin.

A browser sends the page's origin in `Origin` and `Sec-Fetch-Site`, which a page can't change. `Host` reveals a page
that bound its name to the mock's address after it was loaded (DNS rebinding).
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from segforge_mock import bounds
from segforge_mock.http.answers import Answer, json_answer
from segforge_mock.http.request import IncomingRequest
from segforge_mock.http.tls import HOSTS

_AUTHORITY: Final = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
_OWN_PAGE: Final = ("same-origin", "none")
"""Accepted values of Sec-Fetch-Site: a page of the same origin, and an address that the user typed."""
LOOPBACK: Final = "localhost"
"""The host of webhooks that stands for all addresses of this machine."""
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


def host_name(name: str, text: object) -> str:
    """Returns a host's name or address in the form of `Host`, without a port. Raises BadSetting."""
    host = bounds.filled(name, text).strip().lower().removesuffix(".")
    found = _AUTHORITY.fullmatch(f"[{host}]" if host.count(":") > 1 and host[0] != "[" else host)
    if found is None or found["port"] is not None:
        raise bounds.BadSetting(
            f"{name}: expected a host name without scheme and port, such as mock.test; found {text!r}"
        )
    return found["host"]


class Callers:
    """Decides who may call the admin API. `hosts` are accepted beside the mock's own names and addresses."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        self._hosts = frozenset((*HOSTS, *hosts))

    def refusal(self, request: IncomingRequest, called: str = "the admin API") -> Answer | None:
        """Returns 403 for an unknown host or a foreign page, 415 for a body that is not JSON, else None.

        `called` names what the request calls.
        """
        host = request.header(b"host").lower()
        if host and not self._is_known(host):
            hint = "use an IP address or localhost, or start the mock with --allow-host (allow_hosts in Python)"
            return json_answer(403, {"error": f"{called} rejects the host {host[:200]!r}; {hint}"})
        origin, site = request.header(b"origin"), request.header(b"sec-fetch-site")
        if (origin and not _is_same(origin, request)) or (site and site not in _OWN_PAGE):
            asked = f"origin {origin[:200]!r}" if origin else f"sec-fetch-site {site[:20]!r}"
            error = f"{called} rejects pages of another origin, found {asked}; call it without a browser"
            return json_answer(403, {"error": error})
        by_page = bool(origin or site) and request.method not in ("GET", "HEAD")
        if (request.body or by_page) and request.media_type != "application/json":
            found = request.header(b"content-type")[:200]
            error = f"expected the header content-type: application/json, found {found!r}"
            return json_answer(415, {"error": error})
        return None

    def _is_known(self, host: str) -> bool:
        found = _AUTHORITY.fullmatch(host)
        if found is None:
            return False
        name = found["host"].removesuffix(".")
        return "." not in name.partition(":")[0] or name in self._hosts or _is_address(name.strip("[]"))


class WebhookRules(NamedTuple):
    """Who may add webhooks, and the hosts that receive them; LOOPBACK stands for this machine."""

    callers: Callers
    hosts: frozenset[str]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_same(origin: str, request: IncomingRequest) -> bool:
    """Returns whether an origin is the one under which the caller reached the mock."""
    normal = _normal(origin)
    return normal is not None and normal == _normal(request.origin)


def _normal(origin: str) -> tuple[str, str, str] | None:
    """Returns the scheme, host and port of an origin, or None for a value such as `null`."""
    scheme, _, authority = origin.lower().partition("://")
    found = _AUTHORITY.fullmatch(authority)
    if found is None or scheme not in _DEFAULT_PORTS:
        return None
    return scheme, found["host"], found["port"] or _DEFAULT_PORTS[scheme]
