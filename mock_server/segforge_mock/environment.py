"""What the environment says about the way to a host: proxies, hosts that need none, certificates to trust."""

import ipaddress
import os
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.request import getproxies, proxy_bypass

from segforge_mock.bounds import BadSetting, web_url
from segforge_mock.callers import is_loopback

if TYPE_CHECKING:
    import httpx

_LOOPBACK: Final = "127.0.0.1"


def async_client(url: "httpx.URL", **options: Any) -> "httpx.AsyncClient":
    """A client for one host, with the proxy and the certificates that the environment names for it.

    httpx reads NO_PROXY, too, but raises for entries that Docker sets, such as `::1/128`. Raises BadSetting, which
    names the variable, where one can't be used.
    """
    import httpx

    variable, proxy = _proxy(url)
    certificates = _certificates()
    try:
        if proxy is not None and not proxy.startswith("socks"):
            web_url(variable, proxy)
        return httpx.AsyncClient(trust_env=False, proxy=proxy, verify=certificates, **options)
    except (ValueError, httpx.InvalidURL, ImportError):
        found = (proxy or "").rpartition("@")[2]  # no password in an error
        raise BadSetting(f"{variable}: expected the URL of an http or https proxy, found {found!r}") from None


def without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that keep clients from asking a proxy for the mock: none where the environment names no proxy."""
    if not any(name.lower() in ("http_proxy", "all_proxy") for name, value in environment.items() if value):
        return {}
    named = {name: environment.get(name, "") for name in ("NO_PROXY", "no_proxy")}
    known = named["no_proxy"] or named["NO_PROXY"]
    if known.strip() == "*":
        return {}
    return dict.fromkeys(named, f"{known},{_LOOPBACK}" if known else _LOOPBACK)


def _proxy(url: "httpx.URL") -> tuple[str, str | None]:
    """The variable that names a proxy for a URL, and the proxy's URL, or None."""
    proxies = getproxies()
    kind = url.scheme if url.scheme in proxies else "all"
    proxy = proxies.get(kind)
    if not proxy or _needs_none(url.host, proxies.get("no", "")):
        return "", None
    name = f"{kind}_proxy"
    return name if name in os.environ else name.upper(), proxy if "://" in proxy else f"http://{proxy}"


def _needs_none(host: str, entries: str) -> bool:
    if is_loopback(host) or proxy_bypass(host):
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


def _certificates() -> ssl.SSLContext:
    import httpx

    try:
        return httpx.create_ssl_context()
    except OSError as error:
        variable = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        found = os.environ.get(variable)
        raise BadSetting(f"{variable}: can't read certificates from {found!r}: {error.strerror or error}") from None
