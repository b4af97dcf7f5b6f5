"""PyAV, which encodes video and compressed audio. It is in the extra `media`; without it, samples are served."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from av.container import OutputContainer

ENCODED: Final = frozenset({"mp4", "webm", "mp3", "ogg", "flac"})
"""The formats that need PyAV."""


@cache
def is_installed() -> bool:
    """Returns whether PyAV can be imported. The first call takes a tenth of a second."""
    try:
        import av  # noqa: F401 - only whether it is there
    except ImportError:
        return False
    return True


def is_sample(format_: str) -> bool:
    """Returns whether files of a format are the bundled sample, whose size and length are fixed."""
    return format_ in ENCODED and not is_installed()


@cache
def sample(format_: str) -> bytes:
    """Returns the bundled sample of a format: half a second, 64 by 64 pixels."""
    return (resources.files("segforge_mock.media") / "samples" / f"sample.{format_}").read_bytes()


@contextmanager
def encoding(out: io.BytesIO, format_: str, about: str) -> "Iterator[OutputContainer]":
    """Opens a container of a format, whose content depends on nothing but its packets, with a comment."""
    import av

    with av.open(out, "w", format=format_, options={"fflags": "+bitexact"}) as container:
        container.metadata["comment"] = about
        yield container
