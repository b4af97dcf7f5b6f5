"""The CHANGELOG of a client, from the change log of the specs."""

from collections.abc import Sequence

from segforge.emit.quoting import markdown
from segforge.spec.catalog import Release


def changelog(releases: Sequence[Release]) -> str:
    """The releases as Markdown, the newest first."""
    sections = [
        "\n".join([f"## {one.version} ({one.date})", "", *(f"- {markdown(change)}" for change in one.changes)])
        for one in releases
    ]
    return "\n\n".join(["# Changelog", *sections])
