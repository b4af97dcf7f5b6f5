"""Renders a model as a docs page, with one function for each rendering that the reader must know."""

import html
import json
from collections.abc import Callable, Mapping
from typing import Any

from segforge.spec.catalog import Absent, Choices, Model, Parameter

STATUSES = (
    (400, "Bad Request", "Invalid parameters or request format"),
    (401, "Unauthorized", "Missing or invalid API key"),
    (403, "Forbidden", "No permission for this model"),
    (404, "Not Found", "Model or endpoint not found"),
    (406, "Insufficient Credits", "Not enough credits to process request"),
    (429, "Rate Limited", "Too many requests"),
    (500, "Server Error", "The run failed"),
    (502, "Bad Gateway", "The service is unavailable"),
    (504, "Timeout", "Request timed out"),
)
RETURNS = {
    "image": "Image", "video": "Video", "audio": "Audio", "model3d": "3D Model", "json": "Text/JSON", "text": "Text",
}  # fmt: skip


def literal(value: Any) -> str:
    """Returns a value as the pages print it: JSON, with numbers as JavaScript prints them."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def python_literal(value: Any) -> str:
    """Returns a value as the Python samples print it."""
    words = {"true": "True", "false": "False", "null": "None"}
    text = literal(value)
    return words.get(text, text)


def type_of(parameter: Parameter) -> str:
    """Returns the printed type with its format."""
    return f"{bare_type(parameter)} ({parameter.format})" if parameter.format else bare_type(parameter)


def bare_type(parameter: Parameter) -> str:
    """Returns the printed type, such as `object[]` or `any | any`."""
    if parameter.any_of:
        return " | ".join(map(bare_type, parameter.any_of))
    return f"{bare_type(parameter.items)}[]" if parameter.items is not None else parameter.type


def nested(parameter: Parameter, *, member: bool = False) -> tuple[str, tuple[Parameter, ...]]:
    """Returns the label above the nested parameters, and these. Those of a union's member have no label."""
    if parameter.any_of:
        return "One of:", parameter.any_of
    if parameter.items is not None:
        return ("Array items:" if parameter.items.properties else ""), parameter.items.properties
    return ("Object properties:" if parameter.properties and not member else ""), parameter.properties


def flag(parameter: Parameter) -> str:
    return "required" if parameter.required else "optional"


def hidden(choices: Choices) -> int:
    return (choices.total or 0) - len(choices.known)


def more(choices: Choices) -> str:
    return f"+{hidden(choices)} more" if hidden(choices) else ""


def range_of(parameter: Parameter) -> str:
    if parameter.minimum is None or parameter.maximum is None:
        return ""
    return f"Range: {literal(parameter.minimum)} - {literal(parameter.maximum)}"


def allowed_label(choices: Choices) -> str:
    return f"Allowed values ({choices.total} total):" if hidden(choices) else "Allowed values :"


def listed(choices: Choices) -> str:
    if choices.labels:
        return "\n".join(f"{label}{literal(value)}" for label, value in labelled(choices)) + more(choices)
    return "".join(map(literal, choices.known)) + more(choices)


def labelled(choices: Choices) -> list[tuple[str, object]]:
    """Returns the known values, each with its label or an empty text."""
    labels = choices.labels or (None,) * len(choices.known)
    return [(label or "", value) for label, value in zip(labels, choices.known, strict=True)]


def default_of(parameter: Parameter, label: str = "Default: ") -> str:
    return "" if isinstance(parameter.default, Absent) else f"{label}{literal(parameter.default)}"


# Code samples.


def numbered(code: str, *, indent: bool = True) -> str:
    lines = code.split("\n")
    width = len(str(len(lines))) if indent else 0
    return "\n".join(f"{number:>{width}}{line}" for number, line in enumerate(lines, start=1))


def segmind_sample(model: Model) -> str:
    named = all(name.isidentifier() for name in model.example)
    arguments = "".join(f"    {name}={python_literal(value)},\n" for name, value in model.example.items())
    payload = "".join(
        f"    {json.dumps(name, ensure_ascii=False)}: {python_literal(value)},\n"
        for name, value in model.example.items()
    )
    run = (
        f'result = segmind.run(\n    "{model.slug}",\n{arguments})\nprint(result["status"])  # COMPLETED\n\n'
        if named
        else ""
    )
    return (
        '# pip install "segmind>=1.1.0"\n# export SEGMIND_API_KEY="YOUR_API_KEY"\nimport segmind\n\n'
        f"{run}client = SegmindClient()\npayload = {{\n{payload}}}\n"
        f'job = client.submit_async("{model.slug}", **payload)\nprint("failed:", e.detail)'
    )


def requests_sample(model: Model, path: str | None = None) -> str:
    payload = "".join(
        f"    {json.dumps(name, ensure_ascii=False)}: {literal(value)},\n" for name, value in model.example.items()
    )
    return (
        f'import requests\nimport json\n\nurl = "https://api.segmind.com{path or f"/v1/{model.slug}"}"\n'
        'headers = {\n    "x-api-key": "YOUR_API_KEY",\n    "Content-Type": "application/json"\n}\n\n'
        f"data = {{\n{payload.rstrip().rstrip(',')}\n}}\n\n"
        "response = requests.post(url, headers=headers, json=data)\nprint(response.text)"
    )


def javascript_sample(model: Model) -> str:
    payload = json.dumps(dict(model.example), ensure_ascii=False, indent=2)
    return (
        f'const axios = require(\'axios\');\n\nconst api_key = "YOUR API-KEY";\nconst url = "https://api.segmind.com/v1/{model.slug}";\n\n'
        f"const data = {payload};\n\n(async function() {{\n    const response = await axios.post(url, data);\n}})();"
    )


def curl_sample(model: Model) -> str:
    payload = json.dumps(dict(model.example), ensure_ascii=False).replace("'", "'\\''")
    return (
        f"curl -X POST https://api.segmind.com/v1/{model.slug} \\\n  -H 'x-api-key: YOUR_API_KEY' \\\n  -d '{payload}'"
    )


def sample_of(model: Model) -> str:
    if "v2" in model.versions:
        return segmind_sample(model)
    return (requests_sample, javascript_sample, curl_sample)[len(model.title) % 3](model)


# Whole pages as text.


def page(
    model: Model, parameters: str, *, gap: str, glue: str, code: str, url: str | None = None, price: str = ""
) -> str:
    """Returns a page with a list of parameters. `gap` separates blocks, and `glue` precedes headings."""
    head = [f"{model.title} Serverless API", model.description]
    head += [f"~{model.typical_seconds}s"] if model.typical_seconds is not None and gap == "\n\n" else []
    head += [price] if price else []
    queue = [f"POST /v2/{model.slug} · submit + poll"] if "v2" in model.versions else []
    endpoint = url or f"https://api.segmind.com/v1/{model.slug}"
    method = "POST" if gap == "\n\n" else ""
    tail = [f"Returns: {RETURNS[model.returns.media]}"]
    if "v2" in model.versions:
        tail += [
            "Asynchronous requests (v2)",
            f"Use Async for video.\n- 1\nPOST /v2/{model.slug}Submit — returns request_id",
        ]
        tail += [
            "GET /v2/requests/{id}/statusPoll — until COMPLETED or FAILED",
            "GET /v2/requests/{id}Result — final response body",
        ]
    tail += ["Common Error Codes", "The API returns standard HTTP status codes. Detailed error messages are provided."]
    for number, title, meaning in STATUSES:
        tail += [*([str(number)] if gap == "\n\n" else []), title, meaning]
    start = gap.join([*head, *queue]) + (" " if queue and gap == "\n" else "\n") + code
    before = glue or gap
    head_line = f"{start}{before}API Endpoint{gap}{method}{endpoint}{before}Parameters{gap}"
    return f"{head_line}{parameters}{before}Response Type{gap}{gap.join(tail)}"


def blank_line(model: Model, code: str | None = None, url: str | None = None, price: str = "") -> str:
    """Returns a page with labels and with blank lines between blocks, like the page of flux-img2img."""
    parts = "\n".join(_blank_line_block(one) for one in model.parameters)
    return page(model, parts, gap="\n\n", glue="", code=numbered(code or sample_of(model)), url=url, price=price)


def _blank_line_block(one: Parameter, *, member: bool = False) -> str:
    description = f"\n\n{one.description}\n" if one.description else ""
    lines = [f"{one.name}{flag(one)}\n{type_of(one)}{description}"]
    if facts := default_of(one) + range_of(one):
        lines.append(facts)
    if one.choices is not None:
        lines += [allowed_label(one.choices), listed(one.choices)]
    label, parts = nested(one, member=member)
    lines += [label] if label else []
    lines += [_blank_line_block(part, member=label == "One of:") for part in parts]
    return "\n".join(lines)


def joined_bare(model: Model) -> str:
    """Returns a page of joined text without labels, like the other four pages."""
    parts = "".join(_joined_block(one, labels=False) for one in model.parameters).rstrip("\n")
    return page(model, parts, gap="\n", glue="\0", code=numbered(sample_of(model), indent=False)).replace("\0", "")


def joined_labelled(model: Model) -> str:
    """Returns a page of joined text with labels."""
    parts = "".join(_joined_block(one, labels=True) for one in model.parameters).rstrip("\n")
    return page(model, parts, gap="\n", glue="\0", code=numbered(sample_of(model), indent=False)).replace("\0", "")


def glued_labelled(model: Model) -> str:
    """Returns a page of joined text with labels and without a line end after the description."""
    parts = "".join(_joined_block(one, labels=True, end="") for one in model.parameters)
    return page(model, parts, gap="\n", glue="\0", code=numbered(sample_of(model), indent=False)).replace("\0", "")


def _joined_block(one: Parameter, *, labels: bool, end: str = "\n", member: bool = False) -> str:
    text = f"{one.name}{flag(one)}{type_of(one)}{one.description}{end}{default_of(one, 'Default: ' if labels else '')}"
    if one.choices is not None:
        text += (allowed_label(one.choices) if labels else "") + listed(one.choices)
    label, parts = nested(one, member=member)
    text += range_of(one) + label
    return text + "".join(_joined_block(part, labels=labels, member=label == "One of:") for part in parts)


def tokens_labelled(model: Model) -> str:
    """Returns a page with one token per line and with labels. A range is joined to the next name."""
    return _tokens(model, labels=True)


def tokens_bare(model: Model) -> str:
    """Returns a page with one token per line and without labels."""
    return _tokens(model, labels=False)


def _tokens(model: Model, *, labels: bool) -> str:
    text = "".join(_token_block(one, labels=labels) for one in model.parameters)
    return page(model, text.rstrip("\n"), gap="\n", glue="", code=numbered(sample_of(model), indent=False))


def _token_block(one: Parameter, *, labels: bool, member: bool = False) -> str:
    text = f"{one.name}\n{flag(one)}{type_of(one)}\n" + (f"{one.description}\n" if one.description else "")
    if not isinstance(one.default, Absent):
        text += ("Default:\n" if labels else "") + literal(one.default) + "\n"
    if one.choices is not None:
        text += (allowed_label(one.choices) + "\n") if labels else ""
        values = (
            f"{label}\n{literal(value)}\n" if label else f"{literal(value)}\n" for label, value in labelled(one.choices)
        )
        text += "".join(values) + more(one.choices)
    label, parts = nested(one, member=member)
    text += range_of(one) + (f"{label}\n" if label else "")
    return text + "".join(_token_block(part, labels=labels, member=label == "One of:") for part in parts)


def sync_page(model: Model) -> str:
    """Returns an older page: a `requests` sample with JSON literals, a price, no v2 section."""
    return blank_line(without_v2(model), code=requests_sample(model), price="~$0.012")


WORKFLOW = "67c6b3b9f6cf2bb5a9b16b3e-v8"


def pixelflow(model: Model) -> str:
    """Returns the page of a workflow."""
    path = f"/workflows/{WORKFLOW}"
    return blank_line(without_v2(model), code=requests_sample(model, path), url=f"https://api.segmind.com{path}")


def without_v2(model: Model) -> Model:
    from dataclasses import replace

    return replace(model, versions=("v1",))


OLD_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "boolean"}


def attributes(model: Model) -> str:
    """Returns a page in the oldest layout."""
    text = f"POST/v1/{model.slug}\n{numbered(javascript_sample(model), indent=False)}\n"
    text += "RESPONSE\nimage/jpeg\nHTTP Response Codes\n"
    text += "200 - OKImage Generated\n401 - UnauthorizedUser authentication failed\nExpand\n\nAttributes\n\n\n"
    return (
        text
        + "\n\n\n".join(_attribute(one) for one in model.parameters)
        + "\n\nTo keep track of your credit usage, you can look.\n"
    )


def _attribute(one: Parameter) -> str:
    kind = ("enum:" if one.choices else "") + OLD_TYPES[one.type]
    star = " *" if one.required else ""
    default = "" if isinstance(one.default, Absent) else f" ( default: {old_value(one.default)} )"
    pricing = " Affects Pricing" if one.affects_price else ""
    parts = [f"{one.name}{kind}{star}{default}{pricing}", one.description]
    if one.minimum is not None and one.maximum is not None:
        parts += [f"min : {literal(one.minimum)},", f"max : {literal(one.maximum)}"]
    if one.choices:
        parts.append("Allowed values:")
    return "\n\n".join(parts)


def old_value(value: Any) -> str:
    """Returns a default as the oldest pages print it: 1 for every false value, and strings without quotes."""
    if not value or (isinstance(value, str) and not value.strip()):
        return "1"
    return " ".join(value.split()) if isinstance(value, str) else literal(value)


# Whole pages as HTML.

NOISE = (
    '<script>var page = {"denoise": "requiredstring", "x": "<p>Parameters</p>"};</script>'
    "<style>.a { color: red }</style>"
    "<nav><a href='/'>Models</a></nav>"
)


def html_cards(model: Model) -> str:
    """Returns an HTML page with a block of elements for each parameter."""
    cards = "".join(_card(one) for one in model.parameters)
    return _html(model, f'<div class="params">{cards}</div>')


def _card(one: Parameter, *, member: bool = False) -> str:
    e = html.escape
    text = f'<div class="card">\n  <div><code>{e(one.name)}</code>\n<span class="badge">{flag(one)}</span></div>\n'
    text += f"<span>{type_of(one)}</span>"
    text += f"<p>{e(one.description)}</p>" if one.description else ""
    if not isinstance(one.default, Absent):
        text += f"<div><span>Default:</span> <code>{e(literal(one.default))}</code></div>"
    if one.choices is not None:
        values = "".join(
            f"<li>{f'<span>{e(label)}</span>' if label else ''}<code>{e(literal(value))}</code></li>"
            for label, value in labelled(one.choices)
        )
        text += f"<div>{allowed_label(one.choices)}</div><ul>{values}</ul><span>{more(one.choices)}</span>"
    label, parts = nested(one, member=member)
    inner = "".join(_card(part, member=label == "One of:") for part in parts)
    below = f"<div>{label}</div><div>{inner}</div>" if label else inner
    return text + f"<span>{range_of(one)}</span>{below}</div>\n"


def html_table(model: Model) -> str:
    """Returns an HTML page with a table of parameters."""
    e = html.escape
    rows = ""
    for one in model.parameters:
        values = ", ".join(literal(value) for value in one.choices.known) if one.choices else ""
        total = f"({one.choices.total} total): " if one.choices and hidden(one.choices) else ""
        cells = [
            one.name, type_of(one), "Yes" if one.required else "No", default_of(one, ""),
            range_of(one).removeprefix("Range: "),
            f"{total}{values} {more(one.choices)}".strip() if one.choices else "—", one.description,
        ]  # fmt: skip
        rows += "<tr>" + "".join(f"<td>{e(cell)}</td>" for cell in cells) + "</tr>\n"
    head = "".join(
        f"<th>{name}</th>"
        for name in ("Parameter", "Type", "Required", "Default", "Range", "Allowed values", "Description")
    )
    return _html(model, f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")


def _html(model: Model, parameters: str) -> str:
    e = html.escape
    queue = ""
    if "v2" in model.versions:
        queue = "<h2>Asynchronous requests (v2)</h2><p>Use Async for video.</p>"
        queue += f"<ol><li><code>POST /v2/{model.slug}</code> Submit</li></ol>"
    errors = "".join(
        f"<li><b>{number}</b><span>{title}</span><span>{meaning}</span></li>" for number, title, meaning in STATUSES
    )
    seconds = f"<span>~{model.typical_seconds}s</span>" if model.typical_seconds is not None else ""
    return (
        f"<!DOCTYPE html><html><head><title>{e(model.title)}</title>{NOISE}</head><body>{NOISE}<main>"
        f"<h1>{e(model.title)} Serverless API</h1><p>{e(model.description)}</p>{seconds}"
        f"<pre><code>{e(sample_of(model))}</code></pre>{NOISE}"
        f"<h2>API Endpoint</h2><div><b>POST</b><code>https://api.segmind.com/v1/{model.slug}</code></div><h2>Parameters</h2>{parameters}"
        f"<h2>Response Type</h2><p>Returns: {RETURNS[model.returns.media]}</p>{queue}"
        f"<h2>Common Error Codes</h2><p>The API returns standard HTTP status codes.</p><ul>{errors}</ul>"
        f"</main>{NOISE}</body></html>"
    )


# The page of an LLM, with nested parameters.

MESSAGES: Mapping[str, Any] = {
    "type": "object[]",
    "required": True,
    "items": {
        "role": {"type": "string", "required": True, "enum": ["user", "assistant"]},
        "content": {"type": "array", "required": True},
    },
}


def llm_page(model: Model) -> str:
    """Returns the page of an LLM: first `messages` with nested parameters, then the model's own parameters."""
    sample = {**model.example, "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]}
    payload = json.dumps(sample, indent=4, ensure_ascii=False)
    code = f'import segmind\n\npayload = {payload}\n\nreply = segmind.chat("{model.slug}", **payload)'
    nested = (
        "messagesrequired\nobject[]\n\nArray of message objects with role and content.\n\nArray items:\n"
        'rolerequired\nstring\n\nRole of the message sender\n\nAllowed values :\n"user""assistant"\n'
        "contentrequired\narray\n\nArray of content blocks (text or image)\n\n"
    )
    parts = nested + "\n".join(_blank_line_block(one) for one in model.parameters)
    return page(model, parts, gap="\n\n", glue="", code=numbered(code))


Layout = Callable[[Model], str]
LABELLED: dict[str, Layout] = {
    "blank-line": blank_line,
    "joined with labels": joined_labelled,
    "tokens with labels": tokens_labelled,
    "older sync page": sync_page,
    "pixelflow": pixelflow,
    "llm": llm_page,
    "html cards": html_cards,
    "html table": html_table,
}
BARE: dict[str, Layout] = {"joined without labels": joined_bare, "tokens without labels": tokens_bare}
OLDEST: dict[str, Layout] = {"attributes": attributes}
ALL = LABELLED | BARE | OLDEST
