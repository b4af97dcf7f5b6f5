"""A broken spec leads to one clear message per finding, no traceback, and no written file."""

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import replace as replace_fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from segforge import Catalog, check_specs
from segforge.cli import main
from segforge.emit.pipeline import EMITTERS, emit
from segforge.spec.lint import DEVICES, slugs_collide
from segforge.spec.lint.patterns import is_bounded
from segforge.spec.printable import HIDDEN

Breaking = Callable[[str], str]


def replace(old: str, new: str) -> Breaking:
    def breaking(text: str) -> str:
        assert text.count(old) >= 1, f"the spec no longer contains {old!r}"
        return text.replace(old, new, 1)

    return breaking


def priced(price: str) -> Breaking:
    return replace("versions:", f"price: {price}\nversions:")


def alias_bomb(text: str) -> str:
    levels = ["note_0: &n0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"note_{n}: &n{n} [{', '.join([f'*n{n - 1}'] * 9)}]" for n in range(1, 9)]
    return text + "\n".join(levels)


# Name -> change of flux-ipadapter.yaml, the rule that reports it, and text that the message must contain.
BROKEN: dict[str, tuple[Breaking, str, str]] = {
    "tab": (replace("  image:\n    type", "  image:\n\ttype"), "yaml.syntax", "indent with spaces"),
    "bracket": (replace("versions: [v1, v2]", "versions: [v1, v2"), "yaml.syntax", "brackets"),
    "duplicate key": (replace("    default: 3.5\n", "    default: 3.5\n    default: 3.5\n"), "yaml.duplicate_key", '"default" again'),
    "duplicate parameter": (replace("  strength:\n", "  seed:\n"), "yaml.duplicate_key", '"seed" again'),
    "alias bomb": (alias_bomb, "yaml.", "more than"),
    "many aliases": (lambda text: text + "x: &x 1\ny: [" + ", ".join(["*x"] * 60) + "]\n", "yaml.aliases", "more than 50"),
    "alias to itself": (lambda text: text + "x: &x [*x]\n", "yaml.alias", "*x"),
    "unknown alias": (lambda text: text + "x: *nowhere\n", "yaml.alias", "*nowhere"),
    "deep": (lambda text: text + "x: " + "[" * 200 + "]" * 200, "yaml.too_deep", "levels"),
    "very deep": (lambda text: text + "x: " + "[" * 100_000, "yaml.", "levels"),
    "many values": (lambda text: text + "x: [" + "1," * 30_000 + "1]\n", "yaml.too_many", "20,000"),
    "large": (lambda text: text + "#" * 60_000_000, "file.too_large", "1,000,000 bytes"),
    "two documents": (lambda text: text + "---\nslug: other\n", "yaml.documents", "2 documents"),
    "empty": (lambda _: "", "yaml.documents", "0 documents"),
    "a list": (lambda _: "- 1\n", "schema.type", "object"),
    "merge key": (lambda text: text + "x: &x {a: 1}\ny: {<<: *x}\n", "yaml.merge_key", "<<"),
    "python tag": (lambda text: text + "x: !!python/object/apply:os.system [ls]\n", "schema.additionalProperties", '"x"'),
    "scalar tag": (replace("default: jpeg", "default: !!binary jpeg"), "yaml.tag", "remove the tag"),
    "control character": (replace("Flux Ipadapter", "Flux \x07 Ipadapter"), "yaml.character", "escape it"),
    "sexagesimal": (replace("[jpeg, png, webp], total: 3", "[1:1, png, webp], total: 3"), "yaml.ambiguous", '"1:1", which YAML 1.1 reads as 61'),
    "norway": (replace("default: jpeg", "default: no"), "yaml.ambiguous", "reads as false"),
    "date": (replace('"2026-11-21"', "2026-11-21"), "yaml.ambiguous", "quote it"),
    "grouped": (replace("maximum: 75", "maximum: 7_5"), "yaml.ambiguous", "write it in plain decimal"),
    "hexadecimal": (replace("maximum: 75", "maximum: 0x4b"), "yaml.ambiguous", "write it in plain decimal"),
    "octal number": (replace("maximum: 75", "maximum: 075"), "yaml.ambiguous", "write it in plain decimal"),
    "merge conflict": (replace("title:", "<<<<<<< HEAD\ntitle: A\n=======\ntitle:"), "yaml.syntax", "merge conflict"),
    "merge conflict in a list": (
        replace("    minimum: 10\n", "<<<<<<< HEAD\n    minimum: 10\n=======\n    minimum: 20\n>>>>>>> other\n"),
        "yaml.syntax",
        "merge conflict",
    ),
    "beyond a double": (replace("default: 3.5", "default: 1.0e+400"), "yaml.number", "1.0e+400"),
    "bound beyond a double": (replace("maximum: 10\n", "maximum: -1.0e+400\n"), "yaml.number", "-1.0e+400"),
    "below a double": (replace("default: 3.5", "default: 1.0e-400"), "yaml.number", "1.0e-400"),
    "octal": (replace("maximum: 75", "maximum: 075"), "yaml.ambiguous", "reads as 61"),
    "number as key": (replace("  true_gs:", "  1:"), "yaml.key", '"1"'),
    "unknown field": (replace("    minimum: 10\n", "    minimun: 10\n"), "schema.additionalProperties", 'did you mean "minimum"?'),
    "missing field": (replace("title: Flux Ipadapter\n", ""), "schema.required", '"title"'),
    "wrong type": (replace("required: true", "required: 7"), "schema.enum", "true, false"),
    "unknown version": (replace("[v1, v2]", "[v1, v3]"), "schema.enum", '"v3"'),
    "bad slug": (replace("slug: flux-ipadapter", "slug: ../etc/passwd"), "schema.pattern", "passwd"),
    "no time at all": (replace("versions:", "typical_seconds: 0\nversions:"), "schema.exclusiveMinimum", '"typical_seconds" is 0; expected more than 0'),
    "price without its text": (priced("{to: 1}"), "schema.required", '"printed"'),
    "price below zero": (priced('{printed: "-1", to: -1}'), "schema.minimum", '"to" is -1; expected 0 or more'),
    "endless price": (priced('{printed: "$.inf", to: .inf}'), "schema.type", '"to" is ".inf"'),
    "price beyond a double": (priced('{printed: "$1e400", to: 1.0e+400}'), "yaml.number", "1.0e+400"),
    "unknown unit": (priced('{printed: "$1 per image", to: 1, unit: image}'), "schema.enum", '"image"'),
    "price the wrong way round": (priced('{printed: "$2 - $1", from: 2, to: 1}'), "price.order", "from 2 above to 1"),
    "price that is not printed": (priced('{printed: "$0.400 - $1.20", from: 0.4, to: 12}'), "price.number", "to 12; expected a number"),
    "unit that is not printed": (
        priced('{printed: "$1 per second of input", to: 1, unit: second}'), "price.unit", "unit second; expected input_second"
    ),
    "unit left out": (priced('{printed: "$1 per generation", to: 1}'), "price.unit", "write unit: generation"),
    "version twice": (replace("[v1, v2]", "[v1, v1]"), "schema.uniqueItems", '"versions" is ["v1", "v1"]; expected each entry once'),
    "no version": (replace("[v1, v2]", "[]"), "schema.minItems", '"versions" is []; expected 1 entries or more'),
    "nameless parameter": (replace("  true_gs:\n", '  "":\n'), "schema.minLength", 'a name in "parameters" is ""; expected 1 characters or more'),
    "slug of another file": (replace("slug: flux-ipadapter", "slug: flux-other"), "slug.file_name", "flux-other.yaml"),
    "no date": (replace('"2026-11-21"', '"2026-13-41"'), "reviewed.date", "YYYY-MM-DD"),
    "range the wrong way round": (replace("minimum: 10\n    maximum: 75", "minimum: 75\n    maximum: 10"), "range.order", "swap"),
    "range on text": (replace('    default: ""\n', '    default: ""\n    minimum: 1\n'), "range.type", "string"),
    "fraction in an integer range": (replace("minimum: 10\n    maximum: 75", "minimum: 10.5\n    maximum: 75"), "range.type", "10.5"),
    "default of another type": (replace("default: 3.5", 'default: "3.5"'), "default.type", "number"),
    "null default": (replace("default: 3.5", "default: null"), "default.null", "nullable: true"),
    "more known values than there are": (replace("total: 3", "total: 2"), "enum.total", "3 known values of 2"),
    "value twice": (replace("[jpeg, png, webp], total", "[jpeg, png, png], total"), "enum.duplicate", '"png" again'),
    "number twice": (
        replace("    minimum: 10\n", "    enum: {known: [20, 20.0], total: 2}\n    minimum: 10\n"), "enum.duplicate", "20.0 again"
    ),
    "item of the wrong value": (replace("versions: [v1, v2]", "versions: [v1, v3]"), "schema.enum", '"versions"[1] is "v3"; expected one of'),
    "limit without a description": (
        replace("versions:", "conditions: [{exactly_one_of: [prompt, prompt]}]\nversions:"),
        "schema.uniqueItems", "expected each entry once; change the value",
    ),
    "number in a text enum": (replace("[jpeg, png, webp], total", "[jpeg, png, 5], total"), "enum.type", "quote it"),
    "format on a number": (replace("type: integer\n", "type: integer\n    format: uri\n"), "format.type", "integer"),
    "sample of another type": (replace("  seed: 32556\n", "  seed: none\n"), "example.type", "integer"),
    "two lower ends": (replace("    minimum: 10\n", "    minimum: 10\n    exclusive_minimum: 9\n"), "range.double", "exclusive_minimum"),
    "step of a text": (replace("    type: string\n", "    type: string\n    multiple_of: 8\n"), "range.type", "string"),
    "step of 0": (replace("    minimum: 10\n", "    minimum: 10\n    multiple_of: 0\n"), "schema.minimum", "0"),
    "no multiple in the range": (
        replace("    minimum: 10\n", "    minimum: 10\n    multiple_of: 1000\n"), "range.empty", "no multiple of 1000"
    ),
    "exclusive ends without a value between": (
        replace("    minimum: 10\n    maximum: 100\n", "    exclusive_minimum: 10\n    exclusive_maximum: 11\n"),
        "range.empty", "between",
    ),
    "exclusive ends in the wrong order": (
        replace("    minimum: 10\n", "    exclusive_minimum: 101\n"), "range.order", "101"
    ),
    "length of a number": (replace("    minimum: 10\n", "    minimum: 10\n    max_length: 4\n"), "length.type", "integer"),
    "lengths in the wrong order": (
        replace("    type: string\n", "    type: string\n    min_length: 9\n    max_length: 8\n"), "length.order", "9"
    ),
    "negative length": (replace("    type: string\n", "    type: string\n    min_length: -1\n"), "schema.minimum", "-1"),
    "sample of no parameter": (replace("  true_gs: 2\n", "  true_g: 2\n"), "example.unknown", '"true_g"'),
    "names that collide": (replace("  true_gs:\n", "  True-GS:\n"), "example.unknown", '"true_gs"'),
    "control of no parameter": (replace("seed: seed", "seed: sede"), "controls.unknown", '"sede"'),
    "control of the wrong type": (replace("seed: seed", "seed: prompt"), "controls.type", "integer"),
    "formats that differ": (replace("formats: [jpeg, png, webp]", "formats: [jpeg, png]"), "returns.formats", "webp"),
    "formats of JSON": (replace("media: image", "media: json"), "returns.formats", "no formats"),
    "path that leads up": (replace("versions:", 'paths: {v1: "/v1/../{slug}"}\nversions:'), "schema.pattern", "/v1/../{slug}"),
    "path that ends above": (replace("versions:", 'paths: {v2: "/v2/{slug}/.."}\nversions:'), "schema.pattern", "/v2/{slug}/.."),
    "path like a host": (replace("versions:", 'paths: {v1: "//example.com/{slug}"}\nversions:'), "schema.pattern", "//example.com"),
    "name with a line end": (replace("  true_gs:\n", '  "true\\ngs":\n'), "parameter.name", "\\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model_is_reported(name: str, specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    breaking, rule, text = BROKEN[name]
    path = specs / "models" / "flux-ipadapter.yaml"
    path.write_text(breaking(path.read_text("utf-8")), "utf-8")
    out = specs.parent / "generated"

    assert main(["lint", "--specs", str(specs)]) == 1
    lines = capsys.readouterr().out.splitlines()
    findings = [line for line in lines if "flux-ipadapter.yaml:" in line]
    assert any(f"  {rule}" in line and text in line for line in findings), lines
    assert all(re.match(r"\S+:\d+:\d+  [a-z_.A-Z]+  \S", line) for line in findings), lines

    assert main(["generate", "--specs", str(specs), "--out", str(out)]) == 1
    assert rule in capsys.readouterr().err
    assert not out.exists()


# Name -> change of flux-ipadapter.yaml, the rule that warns about it, and text that the message must contain.
CONTRADICTIONS: dict[str, tuple[Breaking, str, str]] = {
    "default outside range": (replace("default: 3.5", "default: 35"), "default.range", "35 is above the maximum 10"),
    "default outside enum": (replace("default: jpeg", "default: gif"), "default.enum", '"gif"'),
    "sample outside range": (replace("  true_gs: 2\n", "  true_gs: 20\n"), "example.range", "20"),
    "sample outside enum": (replace("  image_format: jpeg\n", "  image_format: gif\n"), "example.enum", '"gif"'),
    "sample that is no uri": (replace("  image: https", "  image: ht tps"), "example.format", "URI"),
    "empty default of a uri": (
        lambda text: re.sub("default: \"?https.*", 'default: ""', text, count=1), "default.format", "URI"
    ),
    "default off the step": (
        replace("    minimum: 10\n", "    minimum: 10\n    multiple_of: 16\n"), "default.range", "not a multiple of 16"
    ),
    "default too long": (
        replace("    type: string\n", "    type: string\n    max_length: 2\n"), "default.range", "longer than the maximum length 2"
    ),
    "value outside range": (
        replace("    minimum: 10\n", "    enum: {known: [5, 20], total: 9}\n    minimum: 10\n"), "value.range", "5"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_page_that_contradicts_itself_is_a_warning(
    name: str, specs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    breaking, rule, text = CONTRADICTIONS[name]
    path = specs / "models" / "flux-ipadapter.yaml"
    path.write_text(breaking(path.read_text("utf-8")), "utf-8")
    assert main(["lint", "--specs", str(specs)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "flux-ipadapter.yaml:" in line]
    assert any(f"  {rule}  warning" in line and text in line for line in lines), lines
    catalog, _ = check_specs(specs)
    assert catalog is not None
    assert sum(len(parameter.disputed) for parameter in catalog.model("flux-ipadapter").parameters) == 1


def test_a_repeated_value_is_one_finding(specs: Path) -> None:
    path = specs / "models" / "flux-ipadapter.yaml"
    path.write_text(
        path.read_text("utf-8").replace("[jpeg, png, webp], total: 3", "[jpeg, png, webp, png], total: 3"), "utf-8"
    )
    _, findings = check_specs(specs)
    assert [finding.rule for finding in findings if finding.severity == "error"] == ["enum.duplicate"]


def test_each_missing_field_is_one_finding(specs: Path) -> None:
    path = specs / "models" / "flux-ipadapter.yaml"
    text = re.sub(r"(?m)^(title|versions|source): .*\n", "", path.read_text("utf-8"))
    path.write_text(text, "utf-8")
    _, findings = check_specs(specs)
    missing = [finding.found for finding in findings if finding.rule == "schema.required"]
    assert len(missing) > 1
    assert sorted(missing) == sorted(set(missing))


@pytest.mark.parametrize(
    ("first", "second", "rule", "message"),
    [
        (("0.1.0", "2026-01-02"), ("0.1.0", "2026-01-01"), "changelog.order", "version 0.1.0 again"),
        (("0.1.0", "2026-01-02"), ("0.2.0", "2026-01-01"), "changelog.order", "version 0.2.0 below 0.1.0"),
        (("0.2.0", "2026-01-01"), ("0.1.0", "2026-01-02"), "changelog.days", "0.1.0 of 2026-01-02 below 0.2.0"),
        (("0.2.0", "2026-02-30"), ("0.1.0", "2026-01-02"), "changelog.days", "2026-02-30"),
        (("0.2.0", "2999-01-01"), ("0.1.0", "2026-01-02"), None, ""),
        (("0.2.0", "2026-01-02"), ("0.1.0", "2026-01-02"), None, ""),
    ],
)
def test_releases_are_in_order(
    specs: Path, first: tuple[str, str], second: tuple[str, str], rule: str | None, message: str
) -> None:
    lines = [f'  - {{version: "{version}", date: "{day}", changes: [x]}}\n' for version, day in (first, second)]
    (specs / "changelog.yaml").write_text("releases:\n" + "".join(lines), "utf-8")
    _, findings = check_specs(specs)
    errors = [finding for finding in findings if finding.severity == "error"]
    assert [finding.rule for finding in errors] == ([rule] if rule else [])
    assert all(message in finding.found for finding in errors)


def test_one_model_is_counted_in_the_singular(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (specs / "models").iterdir():
        if path.name != "flux-img2img.yaml":
            path.unlink()
    assert main(["lint", "--specs", str(specs)]) == 0
    assert capsys.readouterr().out.startswith("1 model, 0 errors, 0 warnings")


def test_colliding_names_are_reported(specs: Path) -> None:
    path = specs / "models" / "flux-ipadapter.yaml"
    text = path.read_text("utf-8")
    extra = "  True-GS:\n    type: number\n    required: false\n    description: Twin.\n"
    path.write_text(text.replace("  true_gs:\n", extra + "  true_gs:\n"), "utf-8")
    _, findings = check_specs(specs)
    assert {"collision.python", "collision.typescript"} <= {finding.rule for finding in findings}


def test_colliding_slugs_are_reported(specs: Path) -> None:
    path = specs / "models" / "flux-ipadapter.yaml"
    twin = specs / "models" / "flux.ipadapter.yaml"
    twin.write_text(path.read_text("utf-8").replace("slug: flux-ipadapter", "slug: flux.ipadapter"), "utf-8")
    _, findings = check_specs(specs)
    assert {"collision.python", "collision.typescript"} <= {finding.rule for finding in findings}


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("code: 402", "code: 401", "status.code"),
        ("title: Gone", "title: Forbidden", "status.title"),
        ("name: auth.invalid", "name: auth.missing", "status.case"),
        ("next: [COMPLETED, FAILED]", "next: [COMPLETED, DONE]", "state.next"),
        ("code: 422, next: []", "code: 423, next: []", "state.code"),
        ("html: ", "text: ", "schema.additionalProperties"),
        ("key_pattern: \"^SG_", "key_pattern: \"^(SG_", "auth.pattern"),
        ("key_pattern: \"^SG_", "key_pattern: \"^(S+)+_", "auth.pattern"),
        ("header: x-api-key", "header: \"x-api-key\\n\"", "schema.pattern"),
        ("name: account_credits", "name: output_poll", "other_route.name"),
        ("https://api.segmind.com/finetune/request/list", "https://api.segmind.com/finetune/request/details", "other_route.url"),
    ],
)  # fmt: skip
def test_a_broken_gateway_is_reported(old: str, new: str, rule: str, specs: Path) -> None:
    path = specs / "gateway.yaml"
    path.write_text(replace(old, new)(path.read_text("utf-8")), "utf-8")
    catalog, findings = check_specs(specs)
    assert catalog is None
    assert rule in {finding.rule for finding in findings}


def test_a_file_that_is_not_utf8_is_reported(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = specs / "models" / "flux-ipadapter.yaml"
    path.write_bytes(path.read_bytes().replace(b"Flux Ipadapter", b"Flux \xe9padapter"))
    assert main(["lint", "--specs", str(specs)]) == 1
    line = path.read_bytes().split(b"\xe9")[0].count(b"\n") + 1
    assert f"flux-ipadapter.yaml:{line}:" in capsys.readouterr().out


def test_an_unreadable_file_is_reported(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (specs / "models" / "broken.yaml").symlink_to(specs / "nowhere")
    assert main(["lint", "--specs", str(specs)]) == 1
    assert "file.unreadable" in capsys.readouterr().out


def test_all_findings_are_reported_at_once(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("flux-ipadapter", "style-transfer"):
        path = specs / "models" / f"{name}.yaml"
        path.write_text(path.read_text("utf-8").replace("default: 1\n", "default: one\n"), "utf-8")
    assert main(["lint", "--specs", str(specs), "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    files = [Path(finding["file"]).name for finding in report["findings"] if finding["rule"] == "default.type"]
    assert files.count("flux-ipadapter.yaml") == 3
    assert files.count("style-transfer.yaml") == 2
    assert report["errors"] == 5


def test_a_finding_cannot_forge_lines(specs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = specs / "models" / "flux-ipadapter.yaml"
    forged = '"jpeg\\nspecs/models/x.yaml:1:1  fake  \\e[31m[bold]all is well[/bold]"'
    path.write_text(path.read_text("utf-8").replace("default: jpeg", f"default: {forged}"), "utf-8")
    assert main(["lint", "--specs", str(specs)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert not any(line.startswith("specs/models/x.yaml") for line in out.splitlines())
    assert "[bold]all is well[/bold]" in out


def test_no_folder_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("lint", "generate"):
        assert main([command, "--specs", str(tmp_path / "nowhere")]) == 2
        assert "--specs" in capsys.readouterr().err


def test_an_empty_folder_is_a_finding(tmp_path: Path) -> None:
    catalog, findings = check_specs(tmp_path)
    assert catalog is None
    assert {finding.rule for finding in findings} == {"file.missing", "file.unreadable"}


@pytest.mark.parametrize("name", ["models/pipe.yaml", "gateway.yaml", "changelog.yaml"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_paths_that_are_not_files_are_reported_without_blocking(
    name: str, make: Callable[[Path], None], specs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (specs / name).unlink(missing_ok=True)
    make(specs / name)
    for command in ("lint", "generate"):
        assert main([command, "--specs", str(specs)]) == 1
        out, err = capsys.readouterr()
        [line] = [line for line in (out + err).splitlines() if "file.unreadable" in line]
        assert name in line.replace("\\", "/")


@pytest.mark.parametrize("slug", ["con", "nul.txt", "com1", "lpt9.a.b", "aux"])
def test_a_slug_reserved_on_windows_is_reported(slug: str, specs: Path) -> None:
    path = specs / "models" / "flux-ipadapter.yaml"
    text = path.read_text("utf-8").replace("slug: flux-ipadapter", f"slug: {slug}")
    (specs / "models" / f"{slug}.yaml").write_text(text, "utf-8")
    assert "slug.reserved" in {finding.rule for finding in check_specs(specs)[1]}


@pytest.mark.parametrize("slug", ["flux-ipadapter\\n", "flux-ipadapter.", "flux..ipadapter", "a/b", ".."])
def test_a_malformed_slug_is_reported(slug: str, specs: Path) -> None:
    path = specs / "models" / "flux-ipadapter.yaml"
    path.write_text(path.read_text("utf-8").replace("slug: flux-ipadapter", f'slug: "{slug}"'), "utf-8")
    assert "schema.pattern" in {finding.rule for finding in check_specs(specs)[1]}


def test_files_of_accepted_slugs_are_distinct_on_any_file_system(catalog: Catalog) -> None:
    apart: list[str] = []
    for slug in (
        "a-b",
        "a.b",
        "ab",
        "a-bc",
        "ab-c",
        "a1",
        "a-1",
        "1",
        "1-a",
        "index",
        "init",
        "match",
        "con-x",
        "nul.x",
    ):
        if not slugs_collide([*apart, slug]) and slug.partition(".")[0] not in DEVICES:
            apart.append(slug)
    models = tuple(replace_fields(catalog.models[0], slug=slug) for slug in apart)
    paths = [str(artifact.path) for artifact in emit(replace_fields(catalog, models=models), EMITTERS)]
    assert len({path.casefold() for path in paths}) == len(paths)
    for part in {part for path in paths for part in path.split("/")}:
        assert part.partition(".")[0].lower() not in DEVICES
        assert not re.search(r'[<>:"|?*\\\x00-\x1f]|[. ]\Z', part)


HIDDEN_PLACES = [
    ("slug: flux", "# a note\u202e\nslug: flux"),
    ("Flux Ipadapter", "Flux \u200bIpadapter"),
    ("  prompt:", "  pro\u2066mpt:"),
    ("Flux Ipadapter", "Flux\U000e0041 Ipadapter"),
]


@pytest.mark.parametrize(("old", "new"), HIDDEN_PLACES, ids=["comment", "value", "key", "tag"])
def test_a_hidden_character_is_reported_with_its_place(old: str, new: str, specs: Path) -> None:
    path = specs / "models" / "flux-ipadapter.yaml"
    text = path.read_text("utf-8").replace(old, new, 1)
    path.write_text(text, "utf-8")
    [character] = HIDDEN.findall(text)
    before = text.partition(character)[0]
    [found] = [finding for finding in check_specs(specs)[1] if finding.rule == "text.hidden"]
    assert (found.line, found.column) == (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert (found.severity, f"U+{ord(character):04X}" in found.found) == ("warning", True)


PATTERNS = st.lists(
    st.sampled_from(
        [*"aab.-[](){}|^$?*+\\", "[ab]", "{2}", "{1,9}", "(?:", "(a|b)", "\\d", "a+", "(?=", "\\1", "[^a]"]
    ),
    max_size=12,
).map("".join)


@given(pattern=PATTERNS, key=st.text("ab1.", max_size=30))
def test_an_accepted_pattern_is_fast_and_portable(pattern: str, key: str) -> None:
    """In the words of the other engine that is here, which can't backtrack and has no constructs of Python's own."""
    if is_bounded(pattern):
        found = Draft202012Validator({"pattern": f"^(?:{pattern.removeprefix('^')})$"})
        assert found.is_valid(key) == bool(re.fullmatch(pattern, key))
        started = time.process_time()
        re.fullmatch(pattern, "a" * 5000 + "!")
        assert time.process_time() - started < 1
