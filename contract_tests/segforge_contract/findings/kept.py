"""Keeps each failure in a small file, so that the next run sends it first, and deletes it once the rule holds.

A file contains the request and the rule, never the key. A file from other specs proves nothing: it is not sent, and is
deleted.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec

from segforge.spec.catalog import Catalog, Model
from segforge.spec.printable import one_line
from segforge_contract.cases.case import Case, Operation
from segforge_contract.engine.campaign import RunResult
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.phases import together
from segforge_contract.engine.resend import repeated_case, sent_by
from segforge_contract.messages.request import Key, Request
from segforge_contract.rules.table import RULES


class _Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole request, for a case that is more than a payload. `body` has one character for each byte."""

    method: Annotated[str, msgspec.Meta(pattern="^[A-Z]+$")]
    path: Annotated[str, msgspec.Meta(pattern="^/")]  # any other path could send the key to another host
    key: Key
    content_type: str | None
    body: str | None


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The contents of a file: the broken rule, the case that showed it, and a digest of the specs."""

    rule: str
    case: str
    model: str | None
    operation: Operation
    parameter: str | None
    change: str
    specs: str
    payload: dict[str, Any] | None = None
    request: _Sent | None = None

    @property
    def place(self) -> tuple[str, str | None, str]:
        """The rule, model and operation. One file is kept for each, even if several values break the rule."""
        return self.rule, self.model, self.operation


def kept_cases(folder: Path, catalog: Catalog, models: Iterable[Model]) -> tuple[list[Case], list[str]]:
    """The kept cases of some models and of the gateway itself, and a message for each file that can't be read."""
    slugs = {None, *(model.slug for model in models)}
    cases, problems = [], []
    for file, kept in _read(folder):
        if isinstance(kept, str):
            problems.append(f"{file} is not a kept failure: {kept}; delete the file")
        elif kept.model in slugs and _current(kept, catalog):
            cases.append(_case(kept, catalog))
    return cases, problems


def keep_failures(folder: Path, catalog: Catalog, result: RunResult) -> None:
    """Keeps the first failure of each rule on each operation, and deletes the files whose rule held. Raises OSError."""
    sent = {case.request for case in result.sent}
    # A kept case is sent alone too, as the first copy. That shows nothing about jobs which wait at the same time.
    compared = {case.model for case in result.sent if case.rule == together.RULE and case.request.copy}
    broken = {(failure.broken.rule, failure.case.request) for failure in result.failures}
    places = set()
    for file, kept in _read(folder):
        if isinstance(kept, str) or {kept.rule, kept.case} & result.skipped:
            continue
        request = _case(kept, catalog).request if _current(kept, catalog) else None
        tested = request in sent if kept.rule != together.RULE else kept.model in compared
        if request is None or (tested and (kept.rule, request) not in broken):
            file.unlink(missing_ok=True)
        else:
            places.add(kept.place)
    for failure in result.failures:
        if RULES[failure.case.rule].family == "stage":
            continue  # outside its special situation, the same request is correct
        kept = _kept(failure, catalog)
        if kept.place not in places:
            places.add(kept.place)
            _write(folder, kept)


def _read(folder: Path) -> Iterator[tuple[Path, _Kept | str]]:
    """Each file with its contents, or with the reason why it can't be read."""
    for file in sorted(folder.glob("*.json")):
        try:
            kept = msgspec.convert(json.loads(file.read_bytes()), _Kept)
        except (OSError, ValueError, RecursionError) as error:
            yield file, one_line(str(error))
        else:
            whole = (kept.payload is None) != (kept.request is None)
            yield file, kept if whole else "expected either a payload or a request"


def _write(folder: Path, kept: _Kept) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("*\n", "utf-8")
    text = json.dumps(msgspec.to_builtins(kept), indent=2) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    part = folder / f"{digest}.part"
    part.write_text(text, "utf-8")
    part.replace(folder / f"{kept.rule}-{kept.model or 'gateway'}-{kept.operation}-{digest}.json")


def _kept(failure: Failure, catalog: Catalog) -> _Kept:
    case, sent = failure.case, sent_by(failure.case)
    what: dict[str, Any] = {}
    if isinstance(sent, Request):
        body = None if sent.body is None else sent.body.decode("latin-1")
        what["request"] = _Sent(sent.method, sent.path, sent.key, sent.content_type, body)
    else:
        what["payload"] = dict(sent)
    specs = _digest(catalog, case.model)
    rule = failure.broken.rule
    return _Kept(rule, case.rule, case.model, case.operation, case.parameter, case.change, specs, **what)


def _case(kept: _Kept, catalog: Catalog) -> Case:
    sent = _request(kept.request) if kept.request is not None else kept.payload or {}
    rule = kept.rule if kept.rule == together.RULE else kept.case
    return repeated_case(catalog, rule, kept.model, kept.operation, sent, parameter=kept.parameter, change=kept.change)


def _request(sent: _Sent) -> Request:
    body = None if sent.body is None else sent.body.encode("latin-1")
    return Request(sent.method, sent.path, sent.key, sent.content_type, body)


def _current(kept: _Kept, catalog: Catalog) -> bool:
    """Whether a failure was kept under these specs. Under others, the same value may be correct."""
    known = kept.model is None or any(model.slug == kept.model for model in catalog.models)
    return known and {kept.rule, kept.case} <= RULES.keys() and kept.specs == _digest(catalog, kept.model)


def _digest(catalog: Catalog, slug: str | None) -> str:
    facts = (catalog.gateway, None if slug is None else catalog.model(slug))
    return hashlib.sha256(repr(facts).encode("utf-8", "backslashreplace")).hexdigest()[:16]
