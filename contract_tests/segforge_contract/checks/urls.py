"""Checks of the URLs that clients poll, with their key."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from segforge.spec.catalog import Gateway
from segforge.spec.printable import show

_POLLED: Final = ("poll_url", "status_url", "response_url")
_PORTS: Final = {"http": 80, "https": 443}
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


def wrong_urls(gateway: Gateway, body: Mapping[str, Any], request_id: object) -> Iterator[tuple[str, str]]:
    """Yields the wrong URLs in the answer to a submit or a poll, each as (expected, found)."""
    routes, origins = gateway.routes, set()
    for name, route in (("poll_url", routes.poll), ("status_url", routes.status), ("response_url", routes.result)):
        path = route.path.format(request_id=request_id)
        url = body.get(name)
        if not isinstance(url, str):
            continue
        origins.add(url.removesuffix(path))
        if not (url.startswith(("https://", "http://")) and url.endswith(path)):
            yield f"{name} with scheme and host, ending in {path}", show(url)
            return
    if len(origins) > 1:
        yield "URLs that share one origin", show(sorted(origins))


def foreign_urls(body: object, base_url: str | None, public_url: str | None) -> Iterator[tuple[str, str]]:
    """Yields the first URL of a job that leads to another origin than the target's, as (expected, found).

    A client sends its key to these URLs. URLs of outputs are read without a key, so they may lead anywhere.
    `public_url` is an origin that the target may state as well.
    """
    if base_url is None or not isinstance(body, Mapping):
        return
    own = [_origin(url) for url in (base_url, public_url) if url is not None]
    for name in _POLLED:
        url = body.get(name)
        if isinstance(url, str) and url.startswith(("https://", "http://")) and _origin(url) not in own:
            yield f"{name} at {public_url or base_url}, where the caller's key may go", show(url)
            return


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    return parts.scheme, "localhost" if host in _LOCAL else host, port
