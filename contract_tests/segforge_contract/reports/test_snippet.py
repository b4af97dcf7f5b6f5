"""A failure as a short test to paste into a file. pytest runs it with the plugin that segforge installs."""

import re

from segforge_contract.engine.failure import Failure
from segforge_contract.engine.resend import sent_by
from segforge_contract.messages.request import Request
from segforge_contract.rules.table import RULES


def as_test(failure: Failure) -> str:
    """The source of the test. `pytest --segforge-target URL` runs it; it passes once the rule holds."""
    case = failure.case
    words = " ".join([failure.broken.rule, case.model or "", case.operation])
    head = f"def test_{re.sub(r'[^0-9a-z]+', '_', words.lower()).strip('_')}(segforge_contract):"
    # If a rule compares several answers, this case alone doesn't show the failure; its name selects the other requests.
    rule = failure.broken.rule if RULES[failure.broken.rule].family in ("relation", "stage") else case.rule
    call = f"    segforge_contract.keeps({rule!r}, {case.model!r}, {case.operation!r}"
    sent = sent_by(case)
    if not isinstance(sent, Request):
        return f"{head}\n    payload = {dict(sent)!r}\n{call}, payload)\n"
    fields = ", ".join(map(repr, (sent.method, sent.path, sent.key, sent.content_type, sent.body)))
    imported = "from segforge_contract import Request\n\n\n"
    return f"{imported}{head}\n    request = Request({fields})\n{call}, request)\n"
