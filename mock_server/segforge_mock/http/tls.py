"""TLS for clients with a hard-coded host: a new authority certifies the names of Segmind's hosts."""

import ssl
from pathlib import Path
from typing import Final

GATEWAY_HOSTS: Final = (
    "api.segmind.com",
    "api.spotprod.segmind.com",
    "cloud.segmind.com",
    "images.segmind.com",
    "storage.segmind.com",
    "workflows-api.segmind.com",
)
"""The hosts that the official SDK names, and those of the files in answers."""

HOSTS: Final = (*GATEWAY_HOSTS, "localhost", "127.0.0.1", "::1")


def make_context(authority_file: Path) -> ssl.SSLContext:
    """Returns a server context with a new certificate for HOSTS, and writes the authority's certificate to a file.

    The authority's private key stays in memory. Raises OSError if the file can't be written.
    """
    import trustme

    authority = trustme.CA(organization_name="segforge mock", organization_unit_name="not Segmind")
    certificate = authority.issue_cert(*HOSTS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    authority.cert_pem.write_to_path(str(authority_file))
    return context
