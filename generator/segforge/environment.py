"""Proxies and certificates from the environment, and errors that name the variable at fault.

httpx can read HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR itself. But it rejects
entries of NO_PROXY that Docker sets, such as `::1/128`, and its error doesn't name the variable. So clients here run
with `trust_env=False`. A proxy's address may contain a password, so messages never show it.
"""

import ipaddress
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from segforge.spec.printable import one_line, show

if TYPE_CHECKING:
    import ssl


class BadEnvironment(ValueError):
    """An environment variable makes it impossible to create a client; the message names it and how to correct it."""


@dataclass(frozen=True)
class Way:
    """How clients reach one host: the certificates that they trust, and the proxy, if any."""

    certificates: "ssl.SSLContext | bool"
    proxy: str | None = field(default=None, repr=False)
    variable: str = ""
    """The variable that names the proxy, or `""`."""

    @property
    def options(self) -> dict[str, Any]:
        """Options for an httpx client or transport."""
        return {"trust_env": False, "verify": self.certificates, "proxy": self.proxy}

    @property
    def in_words(self) -> str:
        """The end of a message about a failed connection: names the proxy's variable, or is empty."""
        return f" (through the proxy in {self.variable})" if self.variable else ""


def way_to(url: str) -> Way:
    """Returns how clients reach the host of a URL. This machine is reached directly.

    NO_PROXY may list networks: `10.0.0.0/8` excludes all of its addresses. Raises BadEnvironment.
    """
    from urllib.request import getproxies

    parts = urlsplit(url)
    host, proxies = parts.hostname or "", getproxies()
    if is_loopback(host):
        return Way(certificates=True)
    certificates = _certificates()
    kind = parts.scheme if parts.scheme in proxies else "all"
    proxy = proxies.get(kind)
    if not proxy or _is_excepted(host, proxies.get("no", "")):
        return Way(certificates)
    name = f"{kind}_proxy"
    variable, address = name if name in os.environ else name.upper(), proxy if "://" in proxy else f"http://{proxy}"
    if not _is_usable(address):
        raise BadEnvironment(
            f"{variable} is not a usable proxy address; expected http://HOST:PORT. Correct or unset it"
        )
    return Way(certificates, address, variable)


def is_loopback(host: str) -> bool:
    """Whether a host, a name or an IP address without brackets, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_excepted(host: str, entries: str) -> bool:
    """Whether NO_PROXY has an entry for a host. Malformed entries are ignored."""
    from urllib.request import proxy_bypass

    if proxy_bypass(host):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in map(_network, entries.split(",")) if network is not None)


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry.strip(), strict=False)
    except ValueError:
        return None


def _certificates() -> "ssl.SSLContext":
    import httpx

    try:
        return httpx.create_ssl_context()
    except OSError as error:
        variable = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        found, reason = show(os.environ.get(variable, "")), one_line(error.strerror or str(error))
        raise BadEnvironment(
            f"{variable} is {found}; no certificates can be read from it ({reason}). Correct or unset it"
        ) from None


def _is_usable(proxy: str) -> bool:
    import httpx

    try:
        httpx.Client(proxy=proxy, trust_env=False).close()
        return bool(urlsplit(proxy).hostname) and not any(map(str.isspace, proxy))
    except (ImportError, ValueError, httpx.InvalidURL):
        return False
