"""The URLs in answers."""

from collections.abc import Callable
from typing import Final

from segforge.spec.catalog import Route, Routes
from segforge_mock.http.request import IncomingRequest
from segforge_mock.http.tls import GATEWAY_HOSTS

OUTPUT_HOST: Final = "images.segmind.com"
"""The gateway's host of outputs and, by the official SDK, of uploads."""
STORAGE_HOST: Final = "storage.segmind.com"
"""The gateway's host of uploads by its page."""


def _job_url(route: Route) -> Callable[[str, str], str]:
    """Returns the function that makes the URL of a route from an origin and the id of a job."""
    before, _, after = route.path.partition("{request_id}")
    return lambda origin, request_id: f"{origin}{before}{request_id}{after}"


class Urls:
    """Makes URLs. They start with the public URL, or without one with the address that the caller used."""

    def __init__(self, routes: Routes, public_url: str | None) -> None:
        self._public_url = public_url
        self.poll = _job_url(routes.poll)
        self.status = _job_url(routes.status)
        self.result = _job_url(routes.result)

    def origin(self, request: IncomingRequest) -> str:
        """Returns the scheme and authority of the URLs in the answer to a request."""
        return self._public_url or request.origin

    def file_origin(self, request: IncomingRequest, host: str = OUTPUT_HOST) -> str:
        """Returns the scheme and authority of the files in the answer to a request.

        It has the gateway's own `host` of files if the caller reached the mock by a host name of the gateway.
        """
        if self._public_url is not None:
            return self._public_url
        origin = request.origin
        scheme, _, authority = origin.partition("://")
        name, colon, port = authority.partition(":")
        return f"{scheme}://{host}{colon}{port}" if name.lower() in GATEWAY_HOSTS else origin
