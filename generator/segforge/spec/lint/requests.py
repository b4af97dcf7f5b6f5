"""Rules about how a model is called: its paths, the encodings of bodies, and the forms of files."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from segforge.spec.finding import Finding
from segforge.spec.lint.rule import each_parameter
from segforge.spec.printable import show
from segforge.spec.source import SourceFile


def paths_have_versions(source: SourceFile) -> Iterator[Finding]:
    """A model has the versions whose paths it states."""
    for version in source.data.get("paths", {}):
        if version not in source.data["versions"]:
            found, expected = f"a path of {version}", f"a path of {' or '.join(source.data['versions'])}"
            mend = "remove it, or add the version"
            yield source.finding(("paths", version), "path.version", found, expected, mend, key=True)


def parts_need_multipart(source: SourceFile) -> Iterator[Finding]:
    """A file that is sent as a part of a body needs the encoding multipart."""
    multipart = "multipart" in source.data.get("encodings", ("json",))
    for at, parameter in each_parameter(source):
        if "part" in parameter.get("accepts", ()) and not multipart:
            found, expected = "part without the encoding multipart", "encodings: [json, multipart]"
            here = (*at, "accepts", parameter["accepts"].index("part"))
            yield source.finding(here, "accepts.part", found, expected, "add the encoding, or remove part")


def file_forms_fit(source: SourceFile) -> Iterator[Finding]:
    """The format of a text fits the forms in which its file may come, and a text with forms stands for a file."""
    for at, parameter in each_parameter(source):
        format_, accepts = parameter.get("format"), parameter.get("accepts", ())
        for index, form in enumerate(accepts):
            if (format_, form) in (("uri", "base64"), ("base64", "url")):
                found = f"form {form} of a text of format {format_}"
                expected = "a format that fits all forms"
                mend = "remove the format, since it excludes the form"
                yield source.finding((*at, "accepts", index), "accepts.format", found, expected, mend)
        if accepts and "file" not in parameter:
            found, expected = f"accepts {show(list(accepts))} without a file", "the kind of the file"
            yield source.finding((*at, "accepts"), "accepts.file", found, expected, "add file:", key=True)


def lint_paths(gateway: SourceFile, models: list[SourceFile]) -> list[Finding]:
    """Returns all findings about the models' paths beside the gateway's routes."""
    routes = gateway.data["routes"]
    return [finding for source in models for finding in _paths(source, routes)]


def paths_collide(gateway: Mapping[str, Any], models: Iterable[Mapping[str, Any]]) -> bool:
    """Returns whether `lint_paths` reports a path, by the data of the files alone."""
    sources = (SourceFile(Path(), "", data, {}, {}) for data in models)
    return any(True for source in sources for _ in _paths(source, gateway["routes"]))


def _paths(source: SourceFile, routes: Mapping[str, Any]) -> Iterator[Finding]:
    usual = {"v1": routes["run"]["path"], "v2": routes["submit"]["path"]}
    for version, path in source.data.get("paths", {}).items():
        if path == usual[version]:
            found, expected = f"{show(path)}, the usual path", "only a path that differs from the gateway's"
            yield source.finding(("paths", version), "path.usual", found, expected, "remove it")
        others = {route["path"] for name, route in routes.items() if route["path"] != usual[version]}
        for other in sorted(others):
            if _meet(path.replace("{slug}", source.data["slug"]), other):
                found, expected = f"{show(path)}, which {show(other)} includes", "a path of its own"
                yield source.finding(("paths", version), "path.taken", found, expected, "correct the path")


def _meet(path: str, template: str) -> bool:
    """Returns whether a template such as `/v1/requests/{request_id}` includes a path."""
    parts, pattern = path.split("/"), template.split("/")
    same = (piece.startswith("{") or piece == part for part, piece in zip(parts, pattern, strict=False))
    return len(parts) == len(pattern) and all(same)
