"""The properties of an output that a payload asks for, read from the parameters that control them."""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from segforge.spec.catalog import Gateway, Json, Model
from segforge_mock.http.counts import MAX_OUTPUTS

Values: TypeAlias = Mapping[str, Json]
"""The value of each parameter: the payload's, or the printed default, or None."""

PROMPT_CHARACTERS: Final = 2_000
"""Characters of a prompt that an output names."""
RESPONSE_FORMAT: Final = "response_format"
"""The parameter of chat models that asks for an answer as JSON."""
_LARGEST: Final = 1e15
_SECONDS: Final = re.compile(r"\s*([0-9]{1,15}(?:\.[0-9]{1,9})?)\s*(?:s|secs?|seconds?)?\s*", re.IGNORECASE)
_PAIR: Final = re.compile(r"\s*([0-9]{1,9})\s*([xX:*])\s*([0-9]{1,9})\s*")
_LARGEST_RATIO: Final = 100
"""The largest number in a ratio such as 16:9. Larger ones are pixels, as in 1280:720."""


class Asked(NamedTuple):
    """The properties that all outputs have. `pattern` is a number for the visible content."""

    slug: str
    prompt: str
    seed: int
    pattern: int
    outputs: int

    @classmethod
    def of(cls, model: Model, values: Values) -> "Asked":
        """Reads the properties. `outputs` is from 1 to MAX_OUTPUTS."""
        controls = model.returns.controls
        count = number_of(values, controls.count, 1)
        return cls(
            slug=model.slug,
            prompt=_prompt(model, values),
            seed=used_seed(model, values),
            pattern=_pattern(model, values),
            outputs=min(max(count, 1), MAX_OUTPUTS),
        )

    @property
    def facts(self) -> str:
        """The model, seed and prompt as JSON, which files hold as metadata."""
        return facts(self.slug, self.seed, self.prompt)


def facts(slug: str, seed: int, prompt: str) -> str:
    """Returns the facts about a request as JSON."""
    return json.dumps({"mock": "segforge", "model": slug, "seed": seed, "prompt": prompt[:PROMPT_CHARACTERS]})


def assumptions(gateway: Gateway) -> dict[str, Any]:
    """Returns the values that no page states, by name."""
    return {name: assumption.value for name, assumption in gateway.assumptions.items()}


def number_of(values: Values, name: str | None, default: int) -> int:
    """Returns a parameter's value, or a default if it has none or is not an integer."""
    value = values.get(name or "")
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def used_seed(model: Model, values: Values) -> int:
    """Returns the seed of a run: the payload's, or one derived from the payload if that has none, null or -1."""
    asked = values.get(model.returns.controls.seed or "")
    if isinstance(asked, int) and not isinstance(asked, bool) and asked != -1:
        return asked
    return _pattern(model, values) % 2**31


def seconds_of(values: Values, name: str | None, default: float) -> float:
    """Returns a length in seconds: a positive number, or a text that starts with one, such as `5s`; else a default."""
    value = values.get(name or "")
    found = _SECONDS.fullmatch(value) if isinstance(value, str) else None
    return _positive(float(found[1]) if found is not None else value, default)


def rate_of(values: Values, name: str | None, default: float) -> float:
    """Returns a rate per second if it is a positive number; else a default."""
    return _positive(values.get(name or ""), default)


def _positive(value: object, default: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return default
    return float(min(value, _LARGEST))


def size_of(model: Model, values: Values, width: int, height: int) -> tuple[int, int]:
    """Returns the size in pixels. `width` and `height` apply where the payload asks for none."""
    controls = model.returns.controls
    if not values.get(controls.size_from_input or ""):
        width, height = number_of(values, controls.width, width), number_of(values, controls.height, height)
    for name in (controls.size, controls.aspect_ratio):
        text = values.get(name or "")
        found = _PAIR.fullmatch(text) if isinstance(text, str) else None
        across, down = (int(found[1]), int(found[3])) if found is not None else (0, 0)
        if found is None or not across or not down:
            continue
        if found[2] != ":" or max(across, down) > _LARGEST_RATIO:
            return across, down
        side, longest = max(width, height), max(across, down)
        return side * across // longest, side * down // longest
    return width, height


def format_of(model: Model, values: Values, known: Collection[str], usual: str) -> str:
    """Returns the payload's format, or that of the model's page if the mock can't make the payload's."""
    asked, formats = values.get(model.returns.controls.format or ""), model.returns.formats
    if isinstance(asked, str) and asked in known:
        return asked
    return usual if usual in formats or not formats else formats[0]


def _prompt(model: Model, values: Values) -> str:
    """Returns the text that a payload asks about: its prompt, or the last text of its messages."""
    asked = values.get(model.returns.controls.prompt or "")
    if asked is not None or model.returns.media not in ("json", "text"):
        return str(asked or "")
    last = ""
    for text in _texts({name: value for name, value in values.items() if name != RESPONSE_FORMAT}):
        last = text
    return last


def _texts(value: Json) -> Iterator[str]:
    """Yields the texts of messages in any dialect, in their order: the values of keys named content, text or prompt."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            if isinstance(part, str) and name in ("content", "text", "prompt"):
                yield part
            else:
                yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _pattern(model: Model, values: Values) -> int:
    """Returns a hash of the payload without format, quality, count and encoding."""
    controls = model.returns.controls
    packing = {controls.base64, controls.count, controls.format, controls.quality}
    shown = {name: value for name, value in values.items() if name not in packing}
    digest = hashlib.sha256(json.dumps([model.slug, shown], sort_keys=True).encode()).digest()
    return int.from_bytes(digest[:8])
