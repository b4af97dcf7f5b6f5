"""Lists of models in the form of the vendor's llms.txt, with descriptions of our own, and small directories."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from segforge.spec.catalog import Directory, Listing

HEADER = "| Model | Slug | Description | Modality | Avg Cost | Avg Latency | API Docs |"
DELIMITER = "| --- | --- | --- | --- | --- | --- | --- |"
START = "# Gateway — Model Directory\n\n> All models.\n\n- **Base URL**: `https://api.example/v1/{model_slug}`\n\n---\n"
DAY, NEXT = "2026-08-19", "2026-09-14"


def row(listing: Listing, *, about: str = "Makes things.", link: str | None = None, modality: str | None = None) -> str:
    """Returns the row of a model."""
    usd = "-" if listing.usd is None else f"${figure(listing.usd)}"
    seconds = "-" if listing.seconds is None else f"{figure(listing.seconds)}s"
    docs = link or f"[llms.txt](https://www.example.com/models/{listing.slug}/llms.txt)"
    title = listing.title.replace("|", "\\|")
    return f"| {title} | {listing.slug} | {about} | {modality or listing.modality} | {usd} | {seconds} | {docs} |"


def figure(value: float) -> str:
    """Returns a number as the list prints it: without an exponent."""
    text = f"{value:.20f}".rstrip("0").rstrip(".")
    return text or "0"


def table(modality: str, rows: Iterable[str]) -> str:
    """Returns the table of one modality, with its heading."""
    return "\n".join(["", f"## {modality}", "", HEADER, DELIMITER, *rows, ""])


def listed(listings: Iterable[Listing]) -> str:
    """Returns a list of models: their modalities in the order of the models, and the models by title."""
    groups: dict[str, list[Listing]] = {}
    for one in listings:
        groups.setdefault(one.modality, []).append(one)
    ordered = (
        table(name, map(row, sorted(group, key=lambda one: one.title.casefold()))) for name, group in groups.items()
    )
    return START + "".join(ordered)


BRUSH = Listing("brush-2.1", "Brush 2.1", "Text-to-Image Generation", 0.0123457, 2.5)
CUTTER = Listing("cutter", "Cutter — Pro", "Text-to-Image Generation", 0.5)
WRITER = Listing("writer_one", "Writer One", "Text-to-Image Generation", 2.0, 12.0)
CLIPPER = Listing("clipper", "Clipper", "videoToVideo", 1.25, 90.5)
ZOOMER = Listing("zoomer", "Zoomer", "videoToVideo", 3.28732e-05, 0.7)
SMALL = (BRUSH, CUTTER, WRITER, CLIPPER, ZOOMER)

DIRECTORY = f"""# Our own comment.
source: https://www.example.com/llms.txt
read: "{DAY}"  # the day

modalities:
  Text-to-Image Generation: {{media: image}}
  videoToVideo: {{media: video}}

models:
  # the first
  "brush-2.1": {{title: "Brush 2.1", modality: Text-to-Image Generation, usd: 0.0123457, seconds: 2.5}}
  clipper: {{title: Clipper, modality: videoToVideo, usd: 1.25, seconds: 90.5}}  # dear

  cutter: {{title: "Cutter — Pro", modality: Text-to-Image Generation, usd: 0.5}}
  writer_one: {{title: Writer One, modality: Text-to-Image Generation, usd: 2, seconds: 12}}
  zoomer: {{title: Zoomer, modality: videoToVideo, usd: 3.28732e-05, seconds: 0.7}}

# Models without a place in the list.
unlisted:
  ended: {{state: retired, why: "The vendor said so.", source: "a page"}}
  hidden: {{state: unlisted, why: "It has a page.", source: "a page"}}  # seen
"""


def write_specs(folder: Path, text: str = DIRECTORY) -> Path:
    """Writes a folder of specs that has a directory alone."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "directory.yaml").write_bytes(text.encode())
    return folder


def write_list(folder: Path, text: str) -> Path:
    """Writes a list into a folder."""
    path = folder / "llms.txt"
    path.write_bytes(text.encode())
    return path


def changed(**changes: Mapping[str, object]) -> tuple[Listing, ...]:
    """Returns the small list with changed facts, by the first part of the slug."""
    by_name = {one.slug.partition("-")[0].partition("_")[0]: one for one in SMALL}
    made = {name: replace(one, **changes.get(name, {})) for name, one in by_name.items()}  # type: ignore[arg-type]
    return tuple(made.values())


def listings_of(directory: Directory) -> tuple[Listing, ...]:
    """Returns the listings of a directory."""
    return tuple(directory.listings.values())
