"""A request in the form in which it is recorded: its request line in printable ASCII, its body without compression."""

import zlib
from typing import Final
from urllib.parse import quote

from segforge_mock.http.request import MAX_BODY_BYTES, IncomingRequest

_PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))


def request_line(request: IncomingRequest) -> tuple[str, str]:
    """Returns the path and the query of a request as sent. Other characters than printable ASCII are encoded."""
    raw: bytes = request.scope.get("raw_path") or request.path.encode("utf-8", "surrogatepass")
    query: bytes = request.scope.get("query_string", b"")
    return quote(raw.partition(b"?")[0], safe=_PRINTABLE), quote(query, safe=_PRINTABLE)


def plain_body(request: IncomingRequest) -> bytes:
    """Returns a request's body, decompressed if that is possible within MAX_BODY_BYTES."""
    if request.header(b"content-encoding").strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return request.body
    unpacked = zlib.decompressobj(wbits=47)
    try:
        plain = unpacked.decompress(request.body, MAX_BODY_BYTES)
    except zlib.error:
        return request.body
    return plain if unpacked.eof else request.body
