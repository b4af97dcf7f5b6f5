"""The values that a mock's settings accept: one check for the handle, the admin API, `create_app` and the command."""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from segforge_mock.memory import MAX_MIB, MIN_MIB

MAX_OFFSET: Final = 1e10
"""The most seconds that a tenant's clock may be ahead."""
MAX_CREDITS: Final = 1e9
"""The largest balance. All amounts up to it are exact in millionths, also as floating-point numbers and in Lua."""
MAX_TIME_SCALE: Final = 1000.0
PLANS: Final = {"free": 60, "pro": 120, "business": 500, "scale": 1000}
"""Requests per minute of the plans on the pricing page, as recorded in api-evangelist's rate-limits file."""


class BadSetting(ValueError):
    """A setting that is not valid; the message names it, with the value and what was expected."""


def number(name: str, value: object, most: float) -> float:
    """Checks a number from 0 to `most`. Raises BadSetting."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise BadSetting(f"{name}: expected a number from 0 to {most:g}, found {value!r}")
    return value


def whole(name: str, value: object, most: int) -> int:
    """Checks a whole number from 0 to `most`. Raises BadSetting."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise BadSetting(f"{name}: expected a whole number from 0 to {most}, found {value!r}")
    return value


def memory(name: str, mebibytes: object) -> int:
    """Checks a memory limit in MiB. Raises BadSetting."""
    if isinstance(mebibytes, bool) or not isinstance(mebibytes, int) or not MIN_MIB <= mebibytes <= MAX_MIB:
        raise BadSetting(f"{name}: expected a whole number of MiB from {MIN_MIB} to {MAX_MIB}, found {mebibytes!r}")
    return mebibytes


def filled(name: str, value: object) -> str:
    """Checks a string that is not empty. Raises BadSetting."""
    if not isinstance(value, str) or not value.strip():
        raise BadSetting(f"{name}: expected text, found {value!r}")
    return value


def one_of(name: str, value: object, known: Collection[str]) -> str:
    """Checks one of the known names. Raises BadSetting."""
    if not isinstance(value, str) or value not in known:
        raise BadSetting(f"{name}: expected one of {', '.join(known)}, found {value!r}")
    return value


def advance(seconds: object, offset: float) -> float:
    """Checks the seconds by which a clock that is `offset` seconds ahead moves forward. Raises BadSetting."""
    if isinstance(seconds, int | float) and seconds < 0:
        raise BadSetting(f"advance: expected a number of seconds from 0 (a clock can't go back), found {seconds!r}")
    return number("advance", seconds, MAX_OFFSET - offset)


def credits(amount: object) -> float:
    """Checks a balance. Raises BadSetting."""
    return number("credits", amount, MAX_CREDITS)


def rate_limit(limit: object, name: str = "per_minute") -> int | None:
    """Returns the requests per minute of a whole number, a plan's name or None (no limit). Raises BadSetting."""
    if limit is None:
        return None
    if isinstance(limit, str) and limit in PLANS:
        return PLANS[limit]
    try:
        return whole(name, limit, 10**9)
    except BadSetting as error:
        raise BadSetting(f"{error}; a plan ({', '.join(PLANS)}) or null (no limit) is valid too") from None


def web_url(name: str, text: object) -> str:
    """Checks an http or https URL and returns it without trailing slashes. Raises BadSetting."""
    text = filled(name, text)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        usable = usable and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise BadSetting(f"{name}: expected an http or https URL without query or fragment, found {text!r}")
    return text.rstrip("/")
