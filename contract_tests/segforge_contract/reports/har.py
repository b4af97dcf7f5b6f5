"""The journal of a run as an HTTP Archive (HAR 1.2), which browsers and HTTP tools can open. The key is masked."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from segforge.spec.printable import shortened
from segforge_contract.errors import NoAnswer
from segforge_contract.messages.request import FIXED_KEYS, Request, Response
from segforge_contract.reports.report import Report
from segforge_contract.reports.results import visible
from segforge_contract.targets.journal import Exchanged, read

_MOST_BODY: Final = 1_048_576
_MOST_BODIES: Final = 32 * 1_048_576
_COMMENT: Final = (
    "The journal of segforge records when an answer arrived. So startedDateTime is that time, durations are 0, and "
    "HTTP versions are unknown."
)
_URL: Final = ":/?#[]@!$&'()*+,;=%-._~"


def render(report: Report) -> str:
    """Returns the JSON document. Bodies beyond 1 MiB each, or 32 MiB in all, are left out.

    Raises OSError, and BadJournal if there is no journal or it can't be read.
    """
    journal = read(report.needed_journal)
    base_url = str(journal.settings.get("target", report.base_url))
    entries = list(_entries([one for one in journal.entries if isinstance(one, Exchanged)], base_url, report))
    creator = {"name": "segforge", "version": version("segforge")}
    return json.dumps({"log": {"version": "1.2", "creator": creator, "entries": entries, "comment": _COMMENT}}) + "\n"


def _entries(exchanges: list[Exchanged], base_url: str, report: Report) -> Iterator[dict[str, Any]]:
    room = _MOST_BODIES
    for one in exchanges:
        request = _request(one.request, base_url, report.key_header, room)
        room -= request["bodySize"] if "text" in request.get("postData", {}) else 0
        response = _response(one.answer, room)
        room -= response["content"]["size"] if "text" in response["content"] else 0
        yield {
            "startedDateTime": datetime.fromtimestamp(one.at, UTC).isoformat(timespec="milliseconds"),
            "time": 0,
            "request": request,
            "response": response,
            "cache": {},
            "timings": {"send": 0, "wait": 0, "receive": 0},
        }


def _request(request: Request, base_url: str, key_header: str, room: int) -> dict[str, Any]:
    url = quote(base_url + request.path, safe=_URL)
    headers = {} if request.key == "missing" else {key_header: FIXED_KEYS.get(request.key, "***")}
    headers |= {} if request.content_type is None else {"content-type": request.content_type}
    document: dict[str, Any] = {
        "method": request.method,
        "url": url,
        "httpVersion": "unknown",
        "cookies": [],
        "headers": [{"name": name, "value": visible(value)} for name, value in headers.items()],
        "queryString": [{"name": name, "value": value} for name, value in parse_qsl(urlsplit(url).query)],
        "headersSize": -1,
        "bodySize": len(request.body or b""),
    }
    if request.body is not None:
        body = _body(request.body, room)
        if "encoding" in body:
            body["comment"] = f"the text is {body.pop('encoding')}"
        document["postData"] = {"mimeType": visible(request.content_type or ""), **body}
    return document


def _response(answer: Response | NoAnswer, room: int) -> dict[str, Any]:
    silent = isinstance(answer, NoAnswer)
    status, headers, body = (
        (0, {}, b"") if isinstance(answer, NoAnswer) else (answer.status, answer.headers, answer.body)
    )
    content = {"size": len(body), "mimeType": visible(headers.get("content-type", "")), **_body(body, room)}
    document: dict[str, Any] = {
        "status": status,
        "statusText": "",
        "httpVersion": "unknown",
        "cookies": [],
        "headers": [{"name": visible(name), "value": visible(value)} for name, value in headers.items()],
        "content": content,
        "redirectURL": visible(headers.get("location", "")),
        "headersSize": -1,
        "bodySize": -1 if silent else len(body),
    }
    return document | ({"comment": shortened(visible(f"no answer: {answer}"), 1_000)} if silent else {})


def _body(body: bytes, room: int) -> dict[str, str]:
    """Returns the text of a body with its encoding, or a comment if it is too large."""
    if len(body) > min(_MOST_BODY, room):
        return {"comment": f"{len(body):,} bytes are left out; the journal has them"}
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode(), "encoding": "base64"}
