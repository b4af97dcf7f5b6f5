"""Reads stubs from scripts, the admin API and Python, and refuses those that are not valid."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar, get_args

import msgspec
from msgspec import UNSET

from segforge.spec.catalog import MEDIA_TYPES
from segforge.spec.search import near_slugs
from segforge_mock.bounds import BadSetting
from segforge_mock.faults.effects import QUEUEING_ROUTES, Effect
from segforge_mock.faults.replies import Edit, Reply, encoded
from segforge_mock.faults.scenarios import FAULT_SECONDS, Scenario
from segforge_mock.faults.stubs import BadStub, Distribution, RouteName, Script, Stub, plain

MAX_FILE: Final = 32 * 2**20
"""Bytes of a file of a stub."""

ReadFile: TypeAlias = Callable[[str], bytes]
"""Returns the bytes of the file at a path. Raises BadStub."""

S = TypeVar("S", Stub, Effect)
C = TypeVar("C", Reply, Edit)


def no_file(name: str) -> bytes:
    """Refuses a path, since a caller of the admin API has no right to read files of the server."""
    raise BadStub(f"file: only scripts and Python may name a file, found {name[:200]!r}; send its bytes as base64")


def any_file(name: str) -> bytes:
    """Reads the file at a path relative to the working directory. Raises BadStub."""
    return _read(Path(name), name)


def files_beside(script: Path) -> ReadFile:
    """Returns a function that reads files in the folder of a script, and in folders below it."""
    folder = script.parent.resolve()

    def read(name: str) -> bytes:
        try:
            path = (folder / name).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: links that form a loop
            raise BadStub(f"file: expected a path in the folder of the script, found {name!r}: {error}") from None
        if not path.is_relative_to(folder):
            raise BadStub(f"file: expected a path in the folder of the script, {folder}; found {name!r}")
        return _read(path, name)

    return read


def _read(path: Path, name: str) -> bytes:
    try:
        if not path.is_file():
            raise BadStub(f"file: expected the path of a file, found {name!r}; {path.absolute()} is none")
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadStub(f"file: can't read {name!r}: {reason}; check the path and its permissions") from None
    if len(data) > MAX_FILE:
        raise BadStub(f"file: expected at most {MAX_FILE} bytes, found more in {name!r}; use a smaller file")
    return data


def read_script(path: Path, known: Mapping[str, Scenario], slugs: Collection[str] | None = None) -> tuple[Stub, ...]:
    """Reads the stubs of a YAML file; `slugs`: see `read_stub`. Raises BadStub with the file and the place in it."""
    from segforge.spec.source import read_source

    source, findings = read_source(path, str(path))
    if source is None or findings:
        raise BadStub("\n".join(map(str, findings)))
    try:
        rules = msgspec.convert(source.data, Script).rules
    except msgspec.ValidationError as error:
        raise BadStub(f"{path}: {_message(error)}") from None
    stubs, read = [], files_beside(path)
    for number, stub in enumerate(rules):
        try:
            stubs.append(_complete(stub, known, slugs, read))
        except BadSetting as error:
            raise BadStub(f"{path}: rules[{number}]: {error}") from None
    return tuple(stubs)


def read_stub(
    data: Any, known: Mapping[str, Scenario], slugs: Collection[str] | None = None, read: ReadFile = no_file
) -> Stub:
    """Reads a stub from decoded JSON, or checks a Stub made in Python.

    `slugs` are the models that are served, or None if any slug is. `read` reads the files that it names. Raises
    BadStub, and TypeError for a value that JSON has no type for.
    """
    return _complete(_converted(data, Stub), known, slugs, read)


def read_effect(data: Any, read: ReadFile = no_file) -> Effect:
    """Reads the effect of an edit of one job, like `read_stub`. Raises BadStub and TypeError."""
    effect = _with_outputs(_converted(data, Effect), read)
    if effect.any_body:
        raise BadStub("any_body: the job was accepted already; leave it out")
    try:
        effect.check("edit")
    except BadSetting as error:
        raise BadStub(str(error)) from None
    return effect


def _converted(data: Any, kind: type[S]) -> S:
    try:
        return msgspec.convert(msgspec.to_builtins(data, enc_hook=plain), kind)
    except msgspec.ValidationError as error:
        raise BadStub(_message(error)) from None


def _message(error: msgspec.ValidationError) -> str:
    """Returns msgspec's message, with the known names if it found an unknown route or distribution."""
    for place, names in ((".route`", get_args(RouteName)), (".distribution`", get_args(Distribution))):
        if str(error).endswith(place):
            return f"{error}; expected one of {', '.join(names)}"
    return str(error)


def _complete(stub: Stub, known: Mapping[str, Scenario], slugs: Collection[str] | None, read: ReadFile) -> Stub:
    """Returns a checked stub with its files read and its JSON encoded. Raises BadStub."""
    answer, edit, effect = stub.answer, stub.edit, stub.effect
    try:
        if answer is not None:
            answer = _with_body(answer, "answer", answer.status, read)
        if edit is not None:
            edit = _with_body(edit, "edit", edit.status, read)
            if edit.patch is not UNSET:
                edit = msgspec.structs.replace(edit, patch=encoded("edit.patch", edit.patch))
        if effect is not None:
            effect = _with_outputs(effect, read)
            effect.check("effect")
            effect.check_route("effect", stub.route)
        _check(stub, known, slugs)
    except UnicodeEncodeError as error:
        raise BadStub(f"expected text that UTF-8 can encode, found {error.object[error.start :][:1]!r}") from None
    except BadStub:
        raise
    except BadSetting as error:
        raise BadStub(str(error)) from None
    return msgspec.structs.replace(stub, answer=answer, edit=edit, effect=effect)


def _with_body(content: C, place: str, status: int | None, read: ReadFile) -> C:
    """Returns an answer or edit with its file read and its JSON encoded."""
    content.check(place, status)
    if content.json is not UNSET:
        return msgspec.structs.replace(content, json=encoded(f"{place}.json", content.json))
    if content.text is not None:
        content.text.encode()
    if content.file is None:
        return content
    media_type = content.content_type or _media_type(content.file)
    return msgspec.structs.replace(content, base64=read(content.file), file=None, content_type=media_type)


def _with_outputs(effect: Effect, read: ReadFile) -> Effect:
    """Returns an effect with the files of its outputs read."""
    outputs = tuple(
        output
        if output.file is None or output.base64 is not None
        else msgspec.structs.replace(
            output, base64=read(output.file), file=None, media_type=output.media_type or _media_type(output.file)
        )
        for output in effect.outputs
    )
    return msgspec.structs.replace(effect, outputs=outputs)


def _media_type(name: str) -> str:
    """Returns the media type of a file by the ending of its name."""
    from mimetypes import guess_type

    ending = Path(name).suffix.lower().removeprefix(".")
    return MEDIA_TYPES.get(ending) or guess_type(name)[0] or "application/octet-stream"


def _check(stub: Stub, known: Mapping[str, Scenario], slugs: Collection[str] | None) -> None:
    """Raises BadStub for a stub that does nothing, has parts that exclude each other, or names unknown things."""
    if stub.is_delay and stub.latency is None:
        raise BadStub("a stub needs a scenario, latency, answer, edit or effect; it has none of them")
    if stub.scenario is not None and stub.scenario not in known:
        raise BadStub(f"scenario: unknown scenario {stub.scenario!r}; expected one of {', '.join(known)}")
    replaces = "answer" if stub.answer is not None else "scenario" if _refuses(stub, known) else None
    if stub.answer is not None and _refuses(stub, known):
        raise BadStub("answer: the scenario has an answer of its own; leave out answer or scenario")
    if stub.effect is not None and replaces is not None:
        raise BadStub(f"effect: the {replaces} is sent before the request takes effect; leave out effect or {replaces}")
    if stub.seconds is not None and stub.scenario not in FAULT_SECONDS:
        raise BadStub(f"seconds: only {', '.join(FAULT_SECONDS)} take time; set one of them as scenario, or latency")
    if stub.slug is not None and slugs is not None and stub.slug not in slugs:
        close = " or ".join(map(repr, near_slugs(stub.slug, slugs))) or "a model that is served"
        raise BadStub(f"slug: unknown model {stub.slug!r}; expected {close}, or allow any model")
    if stub.slug is not None and stub.route not in (None, "run", "submit"):
        raise BadStub(f"slug: requests to the route {stub.route} name no model; leave out slug or route")


def _refuses(stub: Stub, known: Mapping[str, Scenario]) -> bool:
    """Returns whether the scenario of a stub keeps requests to its route from taking effect."""
    if stub.scenario is None:
        return False
    kind = known[stub.scenario].kind
    return kind == "case" or (kind == "job" and stub.route not in QUEUEING_ROUTES) or stub.scenario.endswith("-before")
