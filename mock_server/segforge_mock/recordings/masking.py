"""Masks secrets in recordings: the caller's keys, wherever an exchange repeats them, and credentials of other kinds.

A key may be spelled as it is, percent-encoded, or with JSON escapes. In text it becomes a mark. In other bodies it
becomes as many asterisks, so that the rest of the file stays in place.
"""

import base64
import binascii
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

from segforge.masking import SHORTEST_IN_TEXT, whole_word
from segforge_mock.http.answers import RawHeaders

KEY_MARK: Final = b"***api-key***"
"""Stands for the key of the caller. A replay puts the key of its own caller there."""
MARK: Final = b"***"
"""Stands for any other secret."""
KEY_HEADERS: Final = (b"x-api-key", b"authorization")
_DROPPED: Final = frozenset({b"cookie", b"set-cookie", b"set-cookie2", b"proxy-authorization", b"proxy-authenticate"})
_SECRET_HEADER: Final = re.compile(rb"(x-api-key|authorization|.*(token|secret|password|credential|signature).*)")
REMEMBERED: Final = 64
"""Keys of earlier requests that are masked in later exchanges, too."""
_ESCAPE: Final = re.compile(rb"%(?:25)?([0-9a-fA-F]{2})|\\{1,8}u00([0-9a-fA-F]{2})")
_NAMES: Final = (
    rb"x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)|x-oss-signature|signature|sig"
    rb"|(?:x[-_])?api[-_]?key|apikey|key|key-pair-id|policy|(?:access|auth|id|refresh)[-_]?token|token|jwt|auth"
    rb"|authorization|password|passwd|secret|client[-_]?secret|(?:aws)?accesskeyid"
)
_IN_QUERY: Final = re.compile(rb"(?i)((?:[?&;]|\\u0026|^)(?:" + _NAMES + rb")=)(?!\*\*\*)[^&;#\"'\\\s<>]+")
_IN_JSON: Final = re.compile(
    rb'(?i)(\\{0,8}"(?:(?:x[-_])?api[-_]?key|apikey|authorization|(?:access|auth|id|refresh)[-_]?token|jwt|password|passwd'
    rb'|(?:client[-_]?)?secret)\\{0,8}"\s{0,80}:\s{0,80}\\{0,8}")(?!\*\*\*)[^"\\]{4,}'
)
_WORDS: Final = re.compile(rb"(?i)(\b(?:bearer|basic)\s+)(?!\*\*\*)[a-z0-9._~+/=-]{16,}")
_DOCUMENTED: Final = re.compile(rb"SG_[0-9a-f]{16}(?![0-9A-Za-z])")


class KnownSecrets:
    """The keys of the newest requests."""

    def __init__(self, keys: Iterable[bytes] = ()) -> None:
        self._keys: OrderedDict[bytes, None] = OrderedDict((key, None) for key in keys if key)

    def masking(self, headers: RawHeaders, query: bytes = b"") -> "Masking":
        """Remembers the keys of a request, and returns the masking of its exchange."""
        own = credentials(headers)
        for key in (*own.all, *_query_secrets(query)):
            self._keys[key] = None
            self._keys.move_to_end(key)
        while len(self._keys) > REMEMBERED:
            self._keys.popitem(last=False)
        return Masking(own.key, tuple(key for key in self._keys if key != own.key))


@dataclass(frozen=True, repr=False)
class Credentials:
    """The key of a request, `b""` without one, and all its secrets."""

    key: bytes
    all: tuple[bytes, ...]


def credentials(headers: RawHeaders) -> Credentials:
    """Returns the credentials in a request's headers."""
    found: dict[bytes, bytes] = {}
    others: list[bytes] = []
    for name, value in headers:
        if name in KEY_HEADERS and value.strip():
            scheme, found[name] = _scheme_and_key(name, value)
            if scheme.lower() == b"basic":
                others += _basic(found[name])
        elif name == b"cookie":
            others += [part.partition(b"=")[2].strip() for part in value.split(b";")]
        elif name not in KEY_HEADERS and _SECRET_HEADER.fullmatch(name):
            others.append(value.strip())
    key = found.get(b"x-api-key") or found.get(b"authorization") or b""
    return Credentials(key, tuple(secret for secret in (*found.values(), *others) if secret))


def _scheme_and_key(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Returns the scheme of a header with a key, `b""` if it has none, and the key."""
    scheme, _, key = value.strip().partition(b" ")
    if name != b"authorization" or not key.strip() or not scheme.isalpha():
        return b"", value.strip()
    return scheme, key.strip()


def _basic(token: bytes) -> list[bytes]:
    try:
        return [part for part in base64.b64decode(token, validate=True).split(b":", 1) if part]
    except binascii.Error:
        return []


def _query_secrets(query: bytes) -> list[bytes]:
    matches = re.finditer(rb"(?i)(?:^|&)(?:" + _NAMES + rb")=([^&]+)", query)
    return [
        value for match in matches if len(value := unquote_to_bytes(match[1].replace(b"+", b" "))) >= SHORTEST_IN_TEXT
    ]


@dataclass(frozen=True, repr=False)
class Masking:
    """Masks the caller's key and other secrets."""

    key: bytes
    others: tuple[bytes, ...] = ()

    def text(self, raw: bytes) -> bytes:
        """Returns text, such as a path or JSON, with marks for secrets."""
        flat = _flattened(raw)
        if self.key:
            raw = _replaced(raw, self.key, KEY_MARK, flat)
        for secret in self.others:
            raw = _replaced(raw, secret, MARK, flat)
        raw = _IN_QUERY.sub(rb"\1" + MARK, raw)
        raw = _WORDS.sub(rb"\1" + MARK, raw)
        raw = _IN_JSON.sub(rb"\1" + MARK, raw)
        return _DOCUMENTED.sub(MARK, raw)

    def binary(self, raw: bytes) -> bytes:
        """Returns other data with asterisks for secrets."""
        for secret in (self.key, *self.others):
            if len(secret) < SHORTEST_IN_TEXT:
                continue  # a few bytes occur in any file by chance
            wide = _as_text(secret)
            for form in (
                secret,
                wide.encode(),
                wide.encode("utf-16-le"),
                wide.encode("utf-16-be"),
                base64.b64encode(secret),
            ):
                if form in raw:
                    raw = raw.replace(form, b"*" * len(form))
        return _DOCUMENTED.sub(b"*" * 19, raw)

    def headers(self, headers: RawHeaders) -> dict[str, list[str]]:
        """Returns headers by name, without cookies, and with marks for secrets."""
        masked: dict[str, list[str]] = {}
        for raw_name, value in headers:
            name = raw_name.lower()
            if name in _DROPPED:
                continue
            if name in KEY_HEADERS:
                scheme, key = _scheme_and_key(name, value)
                mark = KEY_MARK if key == self.key else MARK
                shown = scheme + b" " + mark if scheme else mark
            else:
                shown = MARK if _SECRET_HEADER.fullmatch(name) else self.text(value)
            masked.setdefault(self.text(name).decode("latin-1"), []).append(shown.decode("latin-1"))
        return masked


def unmasked(raw: bytes, key: bytes) -> bytes:
    """Returns text with the caller's key where the recording has the mark for it."""
    return raw.replace(KEY_MARK, key) if KEY_MARK in raw else raw


def has_mark(headers: Mapping[str, list[str]]) -> bool:
    """Returns whether a recorded request had a key."""
    return any(name.decode() in headers for name in KEY_HEADERS)


def _replaced(raw: bytes, secret: bytes, mark: bytes, flat: bytes) -> bytes:
    if len(secret) < SHORTEST_IN_TEXT:
        return raw  # it would also occur in ordinary words, see `segforge.masking`
    if secret in raw:
        raw = _plain(secret).sub(lambda _: mark, raw)
    encoded = base64.b64encode(secret).rstrip(b"=")[:-1]  # the last character depends on what follows
    if encoded in raw:
        raw = re.sub(re.escape(encoded) + rb"[A-Za-z0-9+/]?=*", MARK, raw)
    if not secret.isascii() or _flat(secret) in flat:
        return _spelled(secret).sub(lambda _: mark, raw)
    return raw


def _flattened(raw: bytes) -> bytes:
    """Returns text with its escapes decoded, to find secrets in it quickly."""
    for _ in range(2):  # JSON in JSON, or in a query
        if b"%" in raw or b"\\" in raw:
            raw = _ESCAPE.sub(_unescaped, raw)
    return _flat(raw)


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1] or match[2]
    return bytes([int(code, 16)]) if code else b""


def _flat(raw: bytes) -> bytes:
    """Returns text without what escaping may add: backslashes, and + for a space."""
    return raw.replace(b"\\", b"").replace(b"+", b" ")


@lru_cache(maxsize=2 * REMEMBERED)
def _plain(secret: bytes) -> re.Pattern[bytes]:
    return re.compile(whole_word(secret, re.escape(secret)))


@lru_cache(maxsize=2 * REMEMBERED)
def _spelled(secret: bytes) -> re.Pattern[bytes]:
    """Returns a pattern for a secret with any of its characters percent-encoded (once or twice) or escaped in JSON."""
    return re.compile(whole_word(secret, b"".join(map(_spellings, _as_text(secret)))))


def _spellings(character: str) -> bytes:
    """Returns a pattern for one character of a secret."""
    encoded = dict.fromkeys(character.encode(charset, "ignore") for charset in ("utf-8", "latin-1"))
    forms = [
        *(re.escape(raw) for raw in encoded if raw),
        *(b"".join(rb"%%(?:25)?(?i:%02x)" % byte for byte in raw) for raw in encoded if raw),
        rb"\\{1,8}u(?i:%04x)" % ord(character),
        *([rb"\\{1,8}" + re.escape(character.encode())] if character in '/"\\' else []),
        *([rb"\+"] if character == " " else []),
    ]
    return rb"(?:" + b"|".join(forms) + rb")"


def _as_text(secret: bytes) -> str:
    try:
        return secret.decode()
    except UnicodeDecodeError:
        return secret.decode("latin-1")
