"""The log of requests: one line of JSON per request on standard error, without secrets."""

import json
import sys

from segforge.masking import Mask, secrets_of
from segforge_mock.gateway.call import Call
from segforge_mock.http.answers import Answer, hint_of


def write_log(call: Call, answer: Answer, scenario: str) -> None:
    """Writes the line of a call; `scenario` is the name of its scenario, or ""."""
    mask = Mask(secrets_of(call.request.raw_headers))
    hint = hint_of(answer)
    entry = {
        "time": call.now,
        "method": call.request.method,
        "path": mask.text(call.request.path),
        "route": call.match.route or None,
        "status": answer.status or None,
        "bytes": len(answer.body),
        "scenario": scenario or None,
        "hint": None if hint is None else mask.text(hint),
    }
    sys.stderr.write(json.dumps(entry) + "\n")
