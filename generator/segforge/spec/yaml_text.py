"""Writes spec files with ruamel.yaml, which preserves comments, order and quoting."""

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ruamel.yaml import YAML

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*( [A-Za-z0-9_-]+)*")
_WORDS: Final = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
"""Words that YAML 1.1 reads as a boolean or null, in any case. Our reader rejects them unquoted."""


def round_trip() -> "YAML":
    """Returns a YAML reader and writer that preserves comments and formats as the specs do."""
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        """Writes null as `null` instead of nothing, and 1e16 as `1.0e+16`, since YAML 1.1 reads `1e+16` as text."""

    def of_float(self: Representer, value: float) -> Any:
        text = repr(value)
        pointed = text if "." in text else text.replace("e", ".0e")
        return self.represent_scalar("tag:yaml.org,2002:float", pointed)

    Representer.add_representer(type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null"))
    Representer.add_representer(float, of_float)
    yaml = YAML(typ="rt")
    yaml.Representer = Representer
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def dump(data: Any) -> str:
    """Returns a document as text."""
    out = io.StringIO()
    round_trip().dump(data, out)
    return out.getvalue()


def scalar(value: Any) -> Any:
    """Returns a value for a document: text is in double quotes unless every reader reads it as text."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, str) and not (_PLAIN.fullmatch(value) and value.lower() not in _WORDS):
        return DoubleQuotedScalarString(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def written(value: Any) -> Any:
    """Returns any JSON value for a document. Lists and mappings, and all that is in them, are on one line."""
    if isinstance(value, Mapping):
        return mapping({str(key): written(item) for key, item in value.items()}, flow=True)
    if isinstance(value, list):
        return sequence([written(item) for item in value])
    return scalar(value)


def sequence(values: list[Any], *, flow: bool = True) -> Any:
    """Returns a list for a document, on one line if `flow`, else on several."""
    from ruamel.yaml.comments import CommentedSeq

    made = CommentedSeq([scalar(value) for value in values])
    if flow:
        made.fa.set_flow_style()
    return made


def mapping(values: Mapping[str, Any], *, flow: bool = False) -> Any:
    """Returns a mapping for a document; its values are used unchanged."""
    from ruamel.yaml.comments import CommentedMap

    made = CommentedMap({scalar(key): value for key, value in values.items()})
    if flow:
        made.fa.set_flow_style()
    return made
