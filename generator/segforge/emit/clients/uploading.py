"""The route of the vendor that stores files, as the clients use it."""

from typing import Final, TypedDict
from urllib.parse import urlsplit

from segforge.spec.catalog import Gateway

ROUTE: Final = "upload_asset"
UPLOAD_FROM: Final = 2**20
"""The bytes above which the clients upload a file if they choose: no source states how large a body may be."""
_LARGEST: Final = 2_000_000_000
"""The largest upload if the route states none."""


class Uploading(TypedDict):
    """The values for the templates: sizes in bytes, and method, origin and path of the route, None without a route."""

    upload: tuple[str, str, str] | None
    upload_host: str
    upload_from: int
    largest_upload: int


def uploading(gateway: Gateway) -> Uploading:
    """Returns what the templates state about uploads."""
    route = next((one for one in gateway.other_routes if one.name == ROUTE), None)
    if route is None:
        return Uploading(upload=None, upload_host=gateway.base_url, upload_from=UPLOAD_FROM, largest_upload=_LARGEST)
    url = urlsplit(route.url)
    host = f"{url.scheme}://{url.netloc}"
    return Uploading(
        upload=(route.method, host, url.path),
        upload_host=host,
        upload_from=UPLOAD_FROM,
        largest_upload=route.most_bytes or _LARGEST,
    )
