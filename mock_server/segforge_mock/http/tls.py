"""TLS for callers whose host is hard-coded: an authority made on the spot certifies the names of Segmind's hosts."""

import ssl
from pathlib import Path
from typing import Final

HOSTS: Final = (
    "api.segmind.com",
    "images.segmind.com",
    "workflows-api.segmind.com",
    "localhost",
    "127.0.0.1",
    "::1",
)


def make_context(authority_file: Path) -> ssl.SSLContext:
    """A server's context with a fresh certificate for HOSTS; the authority's certificate is written to a file.

    The authority's private key is never written; it is gone when the mock stops. Raises OSError where the file can't be
    written.
    """
    import trustme

    authority = trustme.CA(organization_name="segforge mock", organization_unit_name="not Segmind")
    certificate = authority.issue_cert(*HOSTS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    authority.cert_pem.write_to_path(str(authority_file))
    return context
