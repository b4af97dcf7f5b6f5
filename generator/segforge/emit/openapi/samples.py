"""Code samples of the operations of a model: curl and both clients."""

import json
import keyword
import shlex
from collections.abc import Mapping
from typing import Any

from segforge.emit.quoting import python_literal, typescript_key, typescript_literal
from segforge.spec.catalog import Gateway, Json, Model
from segforge.spec.values import payload_violations


def run_samples(gateway: Gateway, model: Model, path: str) -> list[dict[str, str]]:
    """Returns code that runs a model on v1. Returns none if the page has no sample that the gateway should accept."""
    payload, file = sample_payload(model), _file(model)
    if payload is None:
        return []
    curl = _curl(gateway, model, path, payload, f"--output {file}" if file else "")
    python = f"result = segmind_client.run_sync({_python_call(model, payload)})\n"
    python += f"result.save({python_literal(file)})\n" if file else "print(result.content)\n"
    typescript = f"const result = await client.runSync({_typescript_call(model, payload)});\n"
    typescript += f"await result.save({typescript_literal(file)});\n" if file else "console.log(result);\n"
    return _samples(curl, python, typescript)


def submit_samples(gateway: Gateway, model: Model, path: str) -> list[dict[str, str]]:
    """Returns code that submits a v2 job and, with a client, waits for its output. Returns none like `run_samples`."""
    payload = sample_payload(model)
    if payload is None:
        return []
    python = f"job = segmind_client.submit_async({_python_call(model, payload)})\nprint(job.wait().output)\n"
    typescript = f"const job = await client.submitAsync({_typescript_call(model, payload)});\n"
    typescript += "console.log((await job.wait()).output);\n"
    return _samples(_curl(gateway, model, path, payload), python, typescript)


def sample_payload(model: Model) -> dict[str, Json] | None:
    """Returns the required parameters of the page's sample, or all of it if they alone break a condition.

    Returns None if the sample itself is not valid.
    """
    sample = model.valid_example
    needed = {one.name: sample[one.name] for one in model.parameters if one.required and one.name in sample}
    fitting = (one for one in (needed, sample) if one and not payload_violations(model, one))
    return next(fitting, None)


def _file(model: Model) -> str:
    """Returns the name of a file for the output, without a suffix if its format is unknown; empty for JSON and text."""
    if model.returns.media in ("json", "text"):
        return ""
    return f"output.{model.returns.formats[0]}" if model.returns.formats else "output"


def _samples(curl: str, python: str, typescript: str) -> list[dict[str, str]]:
    client = 'import { Segmind } from "segmind-client";\n\nconst client = new Segmind();\n'
    return [
        {"lang": "Shell", "label": "curl", "source": curl},
        {"lang": "Python", "source": f"import segmind_client\n\n{python}"},
        {"lang": "TypeScript", "source": client + typescript},
    ]


def _curl(gateway: Gateway, model: Model, path: str, payload: Mapping[str, Json], more: str = "") -> str:
    """Returns a curl command, with JSON in ASCII, so that every shell sends the same bytes."""
    key = f'-H "{gateway.auth.header}: ${gateway.auth.environment}"'
    parts = [shlex.quote(gateway.base_url + path), key]
    if "json" in model.encodings:
        parts += ["-H 'content-type: application/json'", f"--data-raw {shlex.quote(json.dumps(payload))}"]
    else:
        parts += [f"--form-string {shlex.quote(f'{name}={_field(value)}')}" for name, value in payload.items()]
    return "curl " + " \\\n  ".join([*parts, *([more] if more else [])]) + "\n"


def _field(value: Json) -> str:
    """Returns a value as the text of a form's field."""
    return value if isinstance(value, str) else json.dumps(value)


def _python_call(model: Model, payload: Mapping[str, Json]) -> str:
    """Returns the arguments of a call. Names that are not plain are passed in a dict."""
    if all(name.isidentifier() and name.isascii() and not keyword.iskeyword(name) for name in payload):
        given = "".join(f"    {name}={python_literal(value)},\n" for name, value in payload.items())
    else:
        given = f"    **{python_literal(dict(payload))},\n" if payload else ""
    return f"\n    {python_literal(model.slug)},\n{given}"


def _typescript_call(model: Model, payload: Mapping[str, Json]) -> str:
    given = "".join(f"  {typescript_key(name)}: {_typescript(value)},\n" for name, value in payload.items())
    return f"{typescript_literal(model.slug)}, {{\n{given}}}"


def _typescript(value: Any) -> str:
    """Returns a literal of any JSON value; integers that JavaScript rounds become bigints at any depth."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{typescript_key(key)}: {_typescript(one)}' for key, one in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_typescript, value))}]"
    return typescript_literal(value)
