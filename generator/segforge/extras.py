"""Optional dependencies: whether an extra of segforge is installed, and the command that installs it."""

import re
from typing import Final

DISTRIBUTION: Final = "segforge"
_REQUIREMENT: Final = re.compile(
    r"""(?P<name>[\w.-]+)(?:\[[^]]*\])?\s*(?:==\s*(?P<exact>[^\s;,]+))?[^;]*;.*\bextra\s*==\s*["'](?P<extra>[^"']+)""",
    re.ASCII,
)


class MissingExtra(Exception):
    """An extra is not installed. The message names the feature, the packages, and the command that installs them."""


def install_command(extra: str) -> str:
    """Returns the command that installs an extra of segforge."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def require_extra(extra: str, feature: str) -> None:
    """Checks that every package of an extra is installed. `feature` names what needs it: "segforge contract".

    Raises MissingExtra if a package is missing, or has another version than the exact one that the extra pins.
    """
    problems = [problem for name, exact in _packages(extra) if (problem := _problem(name, exact))]
    if problems:
        raise MissingExtra(
            f"{feature} needs packages that the base install lacks ({', '.join(problems)}). "
            f"Install them with: {install_command(extra)}"
        )


def _packages(extra: str) -> list[tuple[str, str | None]]:
    """Returns the packages of an extra, each with its pinned version or None, as the installed metadata states them."""
    from importlib.metadata import PackageNotFoundError, requires  # a command without an extra never imports it

    try:
        requirements = requires(DISTRIBUTION) or []
    except PackageNotFoundError:  # it runs from a folder on PYTHONPATH, so that its metadata is unknown
        return []
    found = [match for line in requirements if (match := _REQUIREMENT.match(line))]
    return [(match["name"], match["exact"]) for match in found if match["extra"] == extra]


def _problem(name: str, exact: str | None) -> str:
    """Returns what is wrong with an installed package, or ""."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        installed = version(name)
    except PackageNotFoundError:
        return f"{name} is not installed"
    return f"{name} is {installed} instead of {exact}" if exact not in (None, installed) else ""
