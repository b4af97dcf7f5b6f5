"""The route of the vendor that stores files, as the clients use it."""

from typing import Final
from urllib.parse import urlsplit

from segforge.spec.catalog import Gateway

ROUTE: Final = "upload_asset"
UPLOAD_FROM: Final = 2**20
"""The bytes above which the clients upload a file if they choose: no source states how large a body may be."""
_LARGEST: Final = 2_000_000_000
"""The largest upload if the route states none."""


def uploading(gateway: Gateway) -> dict[str, object]:
    """Returns the method, the address and the path of the route, None without one, and the size of the largest file."""
    route = next((one for one in gateway.other_routes if one.name == ROUTE), None)
    if route is None:
        return {"upload": None, "largest_upload": _LARGEST}
    url = urlsplit(route.url)
    return {
        "upload": (route.method, f"{url.scheme}://{url.netloc}", url.path),
        "largest_upload": route.most_bytes or _LARGEST,
    }
