"""A failure as a test of a few lines, to paste into a file: pytest runs it with the plugin that segforge installs."""

import json
import re

from segforge_contract.cases import JSON_TYPE, Case
from segforge_contract.session import Failure


def as_test(failure: Failure) -> str:
    """The source of the test. `pytest --segforge-target URL` runs it, and it passes once the rule holds."""
    case = failure.case
    words = " ".join([failure.broken.rule, case.model or "", case.operation])
    head = f"def test_{re.sub(r'[^0-9a-z]+', '_', words.lower()).strip('_')}(segforge_contract):"
    call = f"    segforge_contract.keeps({case.rule!r}, {case.model!r}, {case.operation!r}"
    if _is_payload(case):
        return f"{head}\n    payload = {dict(case.payload or {})!r}\n{call}, payload)\n"
    sent = case.request
    fields = ", ".join(map(repr, (sent.method, sent.path, sent.key, sent.content_type, sent.body)))
    imported = "from segforge_contract.exchange import Request\n\n\n"
    return f"{imported}{head}\n    request = Request({fields})\n{call}, request)\n"


def _is_payload(case: Case) -> bool:
    """Whether all that the request says is its payload, so that nothing else needs to be spelt out."""
    request = case.request
    if case.payload is None or (request.method, request.key, request.content_type) != ("POST", "valid", JSON_TYPE):
        return False
    try:
        return json.dumps(dict(case.payload), allow_nan=False).encode() == request.body
    except ValueError:
        return False
