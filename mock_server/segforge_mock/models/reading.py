"""A model of the mock, which reads payloads by the rules of its spec."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from segforge.spec.catalog import ABSENT, CHAT_SHAPES, ChatParameter, Json, Model, Parameter
from segforge.spec.values import Violation, payload_violations
from segforge_mock.http.counts import MAX_OUTPUTS
from segforge_mock.models.compiled import request_type
from segforge_mock.models.normal import MAX_DEPTH, canonical, is_deep, may_be_deep, with_integers, with_numbers


class Payload(NamedTuple):
    """A valid payload, as JSON whose values have the parameters' types."""

    body: bytes


class Malformed(NamedTuple):
    """A request body that isn't a JSON object, and the reason."""

    reason: str


@dataclass(frozen=True, eq=False)
class ServedModel:
    """A model that reads payloads. A mock has one instance of each.

    `chat_parameters` are those that chat models take beside those of their specs; other models ignore them.
    """

    model: Model
    chat_parameters: tuple[ChatParameter, ...] = ()

    @property
    def level(self) -> str:
        """How much is known about the model: complete, partial, listed or unlisted."""
        return self.model.level

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[msgspec.Struct] | None:
        compiled = request_type(self.model)
        return None if compiled is None else msgspec.json.Decoder(compiled)

    @cached_property
    def _parameters(self) -> dict[str, Parameter]:
        return self.model.parameters_by_name

    @cached_property
    def _defaults(self) -> dict[str, Json]:
        return {parameter.name: _default(parameter) for parameter in self.model.parameters}

    @cached_property
    def _added(self) -> tuple[ChatParameter, ...]:
        """The parameters that the model takes beside those of its spec."""
        is_chat = self.model.returns.shape in CHAT_SHAPES
        return tuple(one for one in self.chat_parameters if is_chat and one.name not in self._parameters)

    @cached_property
    def open_count(self) -> str | None:
        """The parameter that sets the number of outputs, if the spec allows more than MAX_OUTPUTS; otherwise None."""
        parameter = self.model.parameters_by_name.get(self.model.returns.controls.count or "")
        if parameter is None or (parameter.maximum is not None and parameter.maximum <= MAX_OUTPUTS):
            return None
        return parameter.name

    def read(self, body: bytes, *, cast: bool = False, formats: bool = True) -> Payload | Malformed | list[Violation]:
        """Reads a JSON body. Returns the payload, or what is wrong with it.

        With `cast`, a string that spells a number counts as that number. Without `formats`, any string is a valid URI.

        The compiled type accepts most valid bodies. `payload_violations` decides about all others and names every
        broken rule: JSON Schema allows 20.0 for an integer, and msgspec does not.
        """
        try:
            if not body.isascii():
                body.decode()  # msgspec doesn't decode the values of keys that it ignores
            if self._decoder is not None:
                self._decoder.decode(body)
                if not may_be_deep(body) or not self._is_deep(msgspec.json.decode(body)):
                    return Payload(body)
        except msgspec.ValidationError:
            pass
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return Malformed(str(error))
        try:
            data = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return Malformed(str(error))
        return self.read_data(data, cast=cast, formats=formats)

    def read_data(
        self, data: object, *, cast: bool = False, formats: bool = True
    ) -> Payload | Malformed | list[Violation]:
        """Reads a decoded body; see `read`."""
        if not isinstance(data, dict):
            return Malformed("expected a JSON object")
        if self._is_deep(data):
            return Malformed(f"nested more than {MAX_DEPTH} levels deep, the limit of the mock")
        if cast:
            data = self._each(data, with_numbers)
        replaced = {one.replaces for one in self._added if one.name in data}
        found = [
            one
            for one in payload_violations(self.model, data, formats=formats)
            if one.rule != "required.missing" or one.parameter not in replaced
        ]
        return found or Payload(msgspec.json.encode(self._each(data, with_integers)))

    def _is_deep(self, data: dict[str, Any]) -> bool:
        return is_deep([value for name, value in data.items() if name in self._parameters])

    def _each(self, data: dict[str, Any], change: Callable[[Parameter, Json], Json]) -> dict[str, Any]:
        """Returns a payload with the values of its known parameters changed."""
        known = self._parameters
        return {name: change(known[name], value) if name in known else value for name, value in data.items()}

    def values(self, body: bytes) -> dict[str, Json]:
        """Returns the value of each parameter in a payload; absent ones have their printed default, or None."""
        data = msgspec.json.decode(body)
        given = {name: canonical(self._parameters[name], data[name]) for name in self._defaults if name in data}
        added = {one.name: data[one.name] for one in self._added if one.name in data}
        return {**self._defaults, **given, **added}


def _default(parameter: Parameter) -> Json:
    """Returns the printed default as decoded from a body, or None if the page prints none."""
    return None if parameter.default is ABSENT else canonical(parameter, parameter.default)
