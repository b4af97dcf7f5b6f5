"""From a folder of specs to a Catalog, or to everything that is wrong with them."""

import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from segforge.spec import catalog as c
from segforge.spec.finding import Finding, SpecError
from segforge.spec.lint import lint_catalog, lint_changelog, lint_gateway, lint_model
from segforge.spec.printable import show
from segforge.spec.source import Location, SourceFile, parse_source, read_source
from segforge.spec.values import disputed

if TYPE_CHECKING:
    import jsonschema_rs
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

GATEWAY_FILE = "gateway.yaml"
CHANGELOG_FILE = "changelog.yaml"
MODELS_FOLDER = "models"

Form: TypeAlias = Literal["gateway", "model", "changelog", "deviations"]
"""What a file of the specs is, by its schema."""


def default_specs() -> Path:
    """The folder of the specs that travel with segforge: in the wheel, or in the checkout it is installed from."""
    packaged = Path(__file__).parents[1] / "specs"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "specs"


def load_catalog(specs: Path) -> c.Catalog:
    """Load `gateway.yaml`, `models/*.yaml` and, if it is there, `changelog.yaml` of a folder.

    Raises SpecError with every error; warnings pass.
    """
    catalog, findings = check_specs(specs)
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors or catalog is None:
        raise SpecError(errors)
    return catalog


def check_specs(specs: Path) -> tuple[c.Catalog | None, list[Finding]]:
    """Load a folder of specs and lint it: the Catalog (None where there are errors) and all findings, sorted."""
    if not specs.is_dir():
        return None, [
            Finding(str(specs), 0, 0, "file.missing", "no such folder", "a folder of specs", "name it with --specs")
        ]
    findings: list[Finding] = []
    gateway = _checked(specs / GATEWAY_FILE, "gateway", findings)
    paths = model_paths(specs)
    models = [source for path in paths if (source := _checked(path, "model", findings)) is not None]
    if not paths:
        folder = str(specs / MODELS_FOLDER)
        findings.append(
            Finding(folder, 0, 0, "file.missing", "no *.yaml", "one file a model", "add a spec, see CONTRIBUTING.md")
        )
    findings += lint_catalog(models)
    changelog = _checked(specs / CHANGELOG_FILE, "changelog", findings) if (specs / CHANGELOG_FILE).exists() else None
    if gateway is None or any(finding.severity == "error" for finding in findings):
        return None, sorted(findings)
    built = sorted((build_model(source.data) for source in models), key=lambda model: model.slug)
    releases = build_releases(changelog.data) if changelog is not None else ()
    return c.Catalog(build_gateway(gateway.data), tuple(built), releases), sorted(findings)


def model_paths(specs: Path) -> list[Path]:
    """The model files of a folder of specs, sorted."""
    return sorted(path for path in (specs / MODELS_FOLDER).glob("*.y*ml") if path.suffix in (".yaml", ".yml"))


def check_model(path: Path) -> tuple[SourceFile | None, list[Finding]]:
    """Read one model file and lint it by itself: the source (None where its form is broken) and all findings."""
    return check_form(path, "model")


def check_form(path: Path, form: Form) -> tuple[SourceFile | None, list[Finding]]:
    """Read one file of a form, the name of a schema: the source (None where its form is broken) and all findings."""
    findings: list[Finding] = []
    source = _checked(path, form, findings)
    return source, sorted(findings)


def check_changelog(path: Path) -> None:
    """Read and lint a change log by itself. Raises SpecError with what is wrong."""
    findings: list[Finding] = []
    _checked(path, "changelog", findings)
    if findings:
        raise SpecError(findings)


def valid_data(raw: bytes, path: Path, form: Form) -> Any:
    """The data of a file whose bytes were read already; None where anything is wrong with it but warnings."""
    findings: list[Finding] = []
    source = _fit(*parse_source(raw, path, path.name), form, findings)
    return None if source is None or any(finding.severity == "error" for finding in findings) else source.data


def _checked(path: Path, form: Form, findings: list[Finding]) -> SourceFile | None:
    """Read and check one file, adding what is wrong to `findings`. Gives None where the file's form is broken."""
    return _fit(*read_source(path, display(path)), form, findings)


def _fit(source: SourceFile | None, broken: list[Finding], form: Form, findings: list[Finding]) -> SourceFile | None:
    """Check a file that was read, as `_checked` does."""
    if source is not None and not _is_valid(form, source.data):
        broken += _schema_findings(source, form)
    errors = any(finding.severity == "error" for finding in broken)
    if source is not None and not errors:
        findings += _LINTS[form](source)
    findings += broken
    return None if errors else source


_LINTS: Mapping[Form, Callable[[SourceFile], list[Finding]]] = {
    "model": lint_model,
    "gateway": lint_gateway,
    "changelog": lint_changelog,
    "deviations": lambda _: [],
}


def display(path: Path) -> str:
    """The path as a person in this folder would type it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


@cache
def _schema(form: Form) -> Any:
    return json.loads((default_specs() / "schema" / f"{form}.schema.json").read_text("utf-8"))


def _is_valid(form: Form, data: object) -> bool:
    """Whether data fits the schema, found out quickly; what it says no to, the slower validator explains, or allows."""
    try:
        return _quick_validator(form).is_valid(data)
    except ValueError:  # it knows no integers of more than 64 bits
        return False


@cache
def _quick_validator(form: Form) -> "jsonschema_rs.Draft202012Validator":
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(_schema(form))


@cache
def _validator(form: Form) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    # In Python, unlike in JSON Schema, `$` matches before a line end too, so that "SLUG\n" would pass.
    made: Draft202012Validator = extend(Draft202012Validator, {"pattern": _pattern})(  # type: ignore[no-untyped-call]
        _schema(form)
    )
    return made


def _pattern(_: object, pattern: str, instance: object, __: object) -> "Iterator[ValidationError]":
    from jsonschema.exceptions import ValidationError

    if isinstance(instance, str) and not re.search(re.sub(r"\$\Z", r"\\Z", pattern), instance):
        yield ValidationError(f"{show(instance)} does not match {pattern}")


def _schema_findings(source: SourceFile, form: Form) -> Iterator[Finding]:
    for error in _validator(form).iter_errors(source.data):
        yield from _explain(source, error)


_EXPECTED: Final = {
    "exclusiveMinimum": "more than {}",
    "maxItems": "{} entries or fewer",
    "maxLength": "{} characters or fewer",
    "maxProperties": "{} entries or fewer",
    "maximum": "{} or less",
    "minItems": "{} entries or more",
    "minLength": "{} characters or more",
    "minProperties": "{} entries or more",
    "minimum": "{} or more",
    "pattern": "text that matches {}",
    "uniqueItems": "each entry once",
}
"""What keywords of JSON Schema ask for, in words."""


def _explain(source: SourceFile, error: "ValidationError") -> Iterator[Finding]:
    at: Location = tuple(error.absolute_path)
    rule = f"schema.{error.validator}"
    value: Any = error.instance
    limit: Any = error.validator_value
    schema: Any = error.schema
    name = show(at[-1]) if at else "the file"
    match error.validator:
        case "additionalProperties":
            known = list(schema["properties"])
            for key in value:
                if key not in known:
                    yield source.finding(
                        (*at, key), rule, f"unknown field {show(key)}", _one_of(known), _near(key, known), key=True
                    )
        case "required":
            for key in limit:
                if key not in value:
                    yield source.finding(
                        at, rule, f"no field {show(key)} in {name}", f"the fields {', '.join(limit)}", f"add {key}:"
                    )
        case "type":
            types = [limit] if isinstance(limit, str) else limit
            yield source.finding(
                at, rule, f"{name} is {show(value)}", f"a value of type {' or '.join(types)}", "change the value"
            )
        case "enum":
            yield source.finding(at, rule, f"{name} is {show(value)}", _one_of(limit), _near(value, limit))
        case _:
            named = f"a name in {name}" if "propertyNames" in error.absolute_schema_path else name
            expected = _EXPECTED.get(str(error.validator), f"{error.validator} {{}}").format(show(limit))
            meaning = schema.get("description", "see the schema of the file")
            yield source.finding(at, rule, f"{named} is {show(value)}", expected, f"it says: {meaning}")


def _one_of(values: list[Any]) -> str:
    return f"one of {', '.join(show(value) for value in values)}" if len(values) > 1 else show(values[0])


def _near(word: object, known: list[Any]) -> str:
    near = difflib.get_close_matches(str(word), map(str, known), 1)
    return f"did you mean {show(near[0])}?" if near else "remove or rename it"


def build_model(data: Mapping[str, Any]) -> c.Model:
    """A Model from the data of a checked model file."""
    returns = data["returns"]
    types = {name: value["type"] for name, value in data["parameters"].items()}
    example = {name: _of_type(types[name], value) for name, value in data["example"].items()}
    return c.Model(
        slug=data["slug"],
        title=data["title"],
        description=data["description"],
        source=c.Source(**data["source"]),
        versions=tuple(sorted(data["versions"])),
        returns=c.Returns(
            returns["media"], tuple(returns.get("formats", ())), c.Controls(**returns.get("controls", {}))
        ),
        parameters=tuple(
            _build_parameter(name, value, example.get(name)) for name, value in data["parameters"].items()
        ),
        example=example,
        typical_seconds=data.get("typical_seconds"),
        typical_cost=data.get("typical_cost"),
        note=data.get("note"),
    )


def _build_parameter(name: str, data: Mapping[str, Any], sample: c.Scalar = None) -> c.Parameter:
    """A Parameter from its checked data, and the value that the page's sample has for it (None: it has none)."""
    type_ = data["type"]
    plain = {key: _of_type(type_, value) for key, value in data.items() if key != "enum"}
    known = tuple(_of_type(type_, value) for value in data.get("enum", {}).get("known", ()))
    choices = c.Choices(known, data["enum"]["total"]) if "enum" in data else None
    parameter = c.Parameter(name=name, choices=choices, **plain)
    return replace(parameter, disputed=disputed(parameter, (plain.get("default"), *known, sample)))


def _of_type(type_: str, value: Any) -> Any:
    """A value as its type spells it: 1.0 of an integer is 1, exactly."""
    return int(Decimal(repr(value))) if type_ == "integer" and isinstance(value, float) else value


def build_gateway(data: Mapping[str, Any]) -> c.Gateway:
    """A Gateway from the data of a checked gateway file."""
    return c.Gateway(
        reviewed=data["reviewed"],
        title=data["title"],
        description=data["description"],
        base_url=data["base_url"],
        sample=data.get("sample"),
        auth=c.Auth(**data["auth"]),
        routes=c.Routes(**{name: c.Route(**route) for name, route in data["routes"].items()}),
        content_types=tuple(data["content_types"]["accepted"]),
        headers=tuple(c.Header(**header) for header in data["headers"]),
        statuses=tuple(
            c.Status(
                **{
                    **status,
                    "routes": tuple(status["routes"]),
                    "cases": tuple(c.StatusCase(**case) for case in status["cases"]),
                }
            )
            for status in data["statuses"]
        ),
        lifecycle=c.Lifecycle(
            **{
                **data["lifecycle"],
                "states": tuple(
                    c.State(**{**state, "next": tuple(state["next"])}) for state in data["lifecycle"]["states"]
                ),
            }
        ),
        profiles=tuple(map(_build_profile, data["profiles"])),
        assumptions={name: c.Assumption(**assumption) for name, assumption in data["assumptions"].items()},
    )


def build_releases(data: Mapping[str, Any]) -> tuple[c.Release, ...]:
    """The releases from the data of a checked change log."""
    return tuple(
        c.Release(release["version"], release["date"], tuple(release["changes"])) for release in data["releases"]
    )


def _build_profile(data: Mapping[str, Any]) -> c.Profile:
    outcomes = tuple(
        c.Outcome(tuple(outcome["versions"]), tuple(outcome["violations"]), tuple(outcome["cases"]), outcome["source"])
        for outcome in data["outcomes"]
    )
    lists = {name: tuple(data[name]) for name in ("failed_job_keys", "failed_job_metrics")}
    return c.Profile(**{**data, **lists, "outcomes": outcomes})
