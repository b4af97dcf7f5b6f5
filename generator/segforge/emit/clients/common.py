"""The files of a client that all models add to, alike in both languages."""

from collections.abc import Iterable, Sequence

from segforge.emit.artifact import Pieces
from segforge.emit.clients.changelog import changelog
from segforge.emit.clients.surface import SURFACE, joined
from segforge.emit.clients.versions import CHANGELOG
from segforge.emit.frames import filled
from segforge.spec.catalog import Catalog


def common_texts(catalog: Catalog, fixed: Pieces, frames: Iterable[str], pieces: Sequence[Pieces]) -> dict[str, str]:
    """Returns the public surface, the CHANGELOG and the filled frames, by path.

    `fixed` holds the frames by path, and the client's own part of the surface. `pieces` are those of each model.
    """
    return {
        SURFACE: joined([fixed[SURFACE], *(each["surface"] for each in pieces)]),
        CHANGELOG: changelog(catalog.releases),
        **{path: filled(fixed[path], pieces) for path in frames},
    }
