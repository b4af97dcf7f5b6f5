"""What may be set on a mock: checked in one place for the handle, the admin API, `create_app` and the command line."""

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from segforge_mock.memory import MAX_MIB, MIN_MIB

MAX_OFFSET: Final = 1e10
MAX_TIME_SCALE: Final = 1000.0
PLANS: Final = {"free": 60, "pro": 120, "business": 500, "scale": 1000}
"""Requests a minute of the plans on the pricing page, as recorded in api-evangelist's rate-limits file."""


class BadSetting(ValueError):
    """A value that can't be set; the message names the setting and says what would do."""


def number(name: str, value: object, most: float) -> float:
    """A number from 0 to `most`. Raises BadSetting."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise BadSetting(f"{name}: expected a number from 0 to {most:g}, found {value!r}")
    return value


def whole(name: str, value: object, most: int) -> int:
    """A whole number from 0 to `most`. Raises BadSetting."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise BadSetting(f"{name}: expected a whole number from 0 to {most}, found {value!r}")
    return value


def memory(name: str, mebibytes: object) -> int:
    """A limit of memory in MiB. Raises BadSetting."""
    if isinstance(mebibytes, bool) or not isinstance(mebibytes, int) or not MIN_MIB <= mebibytes <= MAX_MIB:
        raise BadSetting(f"{name}: expected a whole number of MiB from {MIN_MIB} to {MAX_MIB}, found {mebibytes!r}")
    return mebibytes


def filled(name: str, value: object) -> str:
    """Text that is not empty. Raises BadSetting."""
    if not isinstance(value, str) or not value.strip():
        raise BadSetting(f"{name}: expected text, found {value!r}")
    return value


def one_of(name: str, value: object, known: Collection[str]) -> str:
    """A name that is known. Raises BadSetting."""
    if not isinstance(value, str) or value not in known:
        raise BadSetting(f"{name}: expected one of {', '.join(known)}, found {value!r}")
    return value


def advance(seconds: object, offset: float) -> float:
    """How many seconds a clock that is `offset` ahead may go forward. Raises BadSetting."""
    if isinstance(seconds, int | float) and seconds < 0:
        raise BadSetting(f"advance: a clock does not go back; expected seconds from 0 on, found {seconds!r}")
    return number("advance", seconds, MAX_OFFSET - offset)


def credits(amount: object) -> float:
    """A balance. Raises BadSetting."""
    return number("credits", amount, 1e12)


def rate_limit(limit: object, name: str = "per_minute") -> int | None:
    """Requests a minute: a whole number, the name of a plan, or None for no limit. Raises BadSetting."""
    if limit is None:
        return None
    if isinstance(limit, str) and limit in PLANS:
        return PLANS[limit]
    try:
        return whole(name, limit, 10**9)
    except BadSetting as error:
        raise BadSetting(f"{error}; or one of the plans {', '.join(PLANS)}; or none, for no limit") from None


def web_url(name: str, text: object) -> str:
    """An http or https URL, without its last slashes. Raises BadSetting."""
    text = filled(name, text)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and not (parts.query or parts.fragment)
        usable = usable and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise BadSetting(f"{name}: expected an http or https URL, found {text!r}")
    return text.rstrip("/")
