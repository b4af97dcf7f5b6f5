"""HTTP clients that obey the environment's proxies and certificates, and errors that name the variable at fault.

httpx reads HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR when a client is made, and
raises whatever it stumbles over. A proxy's address may hold a password, so no message shows it.
"""

import ipaddress
import os
from typing import TYPE_CHECKING, Any, Final

from segforge.text import one_line, show

if TYPE_CHECKING:
    import httpx

_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_THIS_MACHINE: Final = ("all://localhost", "all://127.0.0.1", "all://[::1]")


class BadEnvironment(ValueError):
    """No client can be made with a variable of the environment; the message names it and says what helps."""


def open_client(*, direct: bool, retries: int = 0, **options: Any) -> "httpx.Client":
    """Returns an httpx client with these options of `httpx.Client`.

    `direct` ignores the environment, which is right for targets on this machine. `retries` says how often a direct
    connection is tried again. Raises BadEnvironment if the environment's proxies or certificates can't be used.
    """
    import httpx

    try:
        again = retries and not _first_set(("ALL_PROXY",))  # a transport for all addresses would replace that proxy
        mounts: dict[str, httpx.BaseTransport | None] = dict.fromkeys(_THIS_MACHINE)  # None: by no proxy
        if again:
            mounts["all://"] = httpx.HTTPTransport(retries=retries, trust_env=not direct)
        return httpx.Client(trust_env=not direct, mounts=mounts, **options)
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        if direct:
            raise
        raise BadEnvironment(_culprit(error)) from None


def is_loopback(host: str) -> bool:
    """Whether a host, a name or an IP address without brackets, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def by_way_of() -> str:
    """Returns ` (by way of the proxy in HTTP_PROXY)` if such a variable is set, to end a message about a connection."""
    name = _first_set(_PROXIES)
    return f" (by way of the proxy in {name})" if name else ""


def _culprit(error: Exception) -> str:
    """Which variable a client could not be made for, and what helps."""
    if isinstance(error, OSError):
        name = _first_set(_CERTIFICATES) or "SSL_CERT_FILE"
        return f"{name} names no certificates that can be read: {one_line(str(error))}; correct it or unset it"
    for name in _PROXIES:
        if (found := _first_set((name,))) and not _is_proxy(os.environ[found]):
            return f"{found} is no proxy's address that can be used; expected http://HOST:PORT; correct it or unset it"
    name = _first_set(("NO_PROXY",)) or "NO_PROXY"
    found = show(os.environ.get(name, ""))
    return (
        f"{name} is {found}, which can't be read ({one_line(str(error))}); expected hosts, with IPv6 addresses without "
        "a prefix length such as /128; correct it or unset it"
    )


def _is_proxy(value: str) -> bool:
    import httpx

    try:
        httpx.Client(proxy=value if "://" in value else f"http://{value}", trust_env=False).close()
    except (ImportError, ValueError, httpx.InvalidURL):
        return False
    return True


def _first_set(names: tuple[str, ...]) -> str | None:
    """The first of these variables that is set and not empty, in capitals or in small letters."""
    spellings = (spelling for name in names for spelling in (name, name.lower()))
    return next((name for name in spellings if os.environ.get(name)), None)
