"""Stores a case, builds it again under the current specs, and sends it again."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

from segforge.spec.catalog import Catalog
from segforge_contract.cases.case import Case, Operation, expected
from segforge_contract.cases.requests import JSON_TYPE, payload_request
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.phases import together
from segforge_contract.engine.phases.audit import Audit
from segforge_contract.engine.phases.relations import relations
from segforge_contract.engine.phases.stages import stages
from segforge_contract.engine.session import Session
from segforge_contract.messages.request import Request
from segforge_contract.rules.table import RULES


def sent_by(case: Case) -> Request | Mapping[str, Any]:
    """The part of a case to store: its payload if that determines the request, otherwise the request."""
    request = case.request
    if case.payload is None or (request.method, request.key, request.content_type) != ("POST", "valid", JSON_TYPE):
        return request
    try:
        same = json.dumps(dict(case.payload), allow_nan=False).encode() == request.body
    except ValueError:
        return request
    return case.payload if same else request


def repeated_case(
    catalog: Catalog,
    rule: str,
    model: str | None,
    operation: Operation,
    sent: Request | Mapping[str, Any],
    *,
    parameter: str | None = None,
    change: str = "sent again",
) -> Case:
    """The case of a payload or of a whole request. Raises KeyError if there is no such rule or model."""
    gateway = catalog.gateway
    if isinstance(sent, Request):
        request, payload = sent, _payload(sent)
    elif model is None:
        raise KeyError("model is None; a payload needs a model")
    else:
        request, payload = payload_request(gateway, catalog.model(model), operation, sent), dict(sent)
    # A rule that compares several answers, or that needs a special situation, starts from a valid payload.
    alone = RULES[rule].outcomes and RULES[rule].family != "stage"
    outcomes = expected(gateway, rule if alone else "payload.valid", operation)
    return Case(rule, operation, model, parameter, change, request, outcomes, payload)


def again(session: Session, case: Case) -> list[Failure]:
    """Sends a case again, with all other requests that its rule needs. Raises Unreachable."""
    # Jobs that are submitted together go first: which ones a gateway mixes up may depend on those before them.
    failures = []
    if case.rule == together.RULE and case.model is not None:
        failures += together.at_once(session, session.catalog.model(case.model))
    audit = Audit(session)
    failures += session.perform(case)
    failures += session.settle(deep=True) + audit.close([case], single=case.accepted)
    if case.model is None or case.rule not in RULES:
        return failures
    model = session.catalog.model(case.model)
    if RULES[case.rule].family == "relation":
        failures += itertools.chain.from_iterable(relations(session, model, case.operation))
    if RULES[case.rule].family == "stage":
        failures += itertools.chain.from_iterable(stages(session, model))
    return failures


def _payload(request: Request) -> dict[str, Any] | None:
    try:
        value = json.loads(request.body or b"")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
