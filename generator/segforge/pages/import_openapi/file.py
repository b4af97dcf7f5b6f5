"""Reads the file of an OpenAPI document as plain JSON values, within limits of size and depth."""

from pathlib import Path
from typing import Any, Final

MAX_BYTES: Final = 20_000_000
MAX_DEPTH: Final = 100
MAX_NODES: Final = 1_000_000


class OpenapiError(Exception):
    """No model can be read from the document. The message has one line for each reason, with a remedy."""


def read_openapi(path: Path) -> dict[str, Any]:
    """Reads an OpenAPI 3 document, YAML or JSON, as plain JSON values.

    Raises OpenapiError if the file is missing, too large or not such a document.
    """
    import json

    import yaml

    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise OpenapiError(f"{path}: {error.strerror}; pass an OpenAPI document") from None
    if len(raw) > MAX_BYTES:
        raise OpenapiError(f"{path}: more than {MAX_BYTES:,} bytes; expected an OpenAPI document")
    try:
        document = _plain(json.loads(raw) if raw.lstrip()[:1] == b"{" else _yaml(raw))
    except (ValueError, TypeError, OverflowError, yaml.YAMLError, RecursionError) as error:
        raise OpenapiError(
            f"{path}: {str(error).splitlines()[0] if str(error) else type(error).__name__}; expected YAML or JSON"
        ) from None
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise OpenapiError(f"{path}: no key `openapi` with a version 3.x; expected an OpenAPI 3 document")
    return document


def _yaml(raw: bytes) -> Any:
    """Parses a YAML document. Raises ValueError if it is nested so deeply that libyaml would crash."""
    import yaml

    depth = 0
    for event in yaml.parse(raw, Loader=yaml.CSafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} levels")
    return yaml.load(raw, Loader=yaml.CSafeLoader)


def _plain(value: Any) -> Any:
    """Returns a document as JSON values, with aliases expanded. Raises ValueError if it is too deep or too large."""
    nodes = 0

    def plain(value: Any, depth: int) -> Any:
        nonlocal nodes
        nodes += 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise ValueError(f"more than {MAX_DEPTH} levels or {MAX_NODES:,} values after expanding aliases")
        if isinstance(value, dict):
            return {
                _text(key if isinstance(key, str) else str(key)): plain(item, depth + 1) for key, item in value.items()
            }
        if isinstance(value, list | tuple | set):
            return [plain(item, depth + 1) for item in value]
        return value if value is None or isinstance(value, bool | int | float) else _text(str(value))

    return plain(value, 0)


def _text(text: str) -> str:
    """Returns text that can be encoded as UTF-8. JSON may contain unpaired surrogates, which are replaced."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
