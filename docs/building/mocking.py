"""Reference pages of the mock: its scenarios, and its admin API."""

import inspect
import json
from collections.abc import Iterator

from docs.building.tables import code, prose, table, words
from segforge.spec.catalog import Gateway
from segforge_mock.admin import FILTERS, MAX_WAIT, PREFIX, Admin
from segforge_mock.console.console import CALLS
from segforge_mock.faults.scenarios import Kind, scenarios

SCENARIOS = """# Scenarios

A scenario is a fault that the mock plays on purpose: by the fixture (`segmind_mock.scenario("rate-limited", times=2)`),
by a header (`x-mock-scenario: rate-limited`), by a stub, or by chance.
[The mock](../mock.md#scenarios-faults-on-purpose) explains these ways.
"""

KINDS: dict[Kind, str] = {
    "case": "Refusals",
    "job": "Failed jobs",
    "fault": "Faults of the connection or the body",
}

ADMIN = f"""# Admin API

Calls under `{PREFIX}` act on the tenant of the caller's key. Bodies and answers are JSON.
[The mock](../mock.md#admin-api) says who may call it, and shows a body for each call.
"""


def scenarios_page(gateway: Gateway) -> str:
    """Returns the page of all scenarios."""
    parts, known = [SCENARIOS], scenarios(gateway)
    for kind, title in KINDS.items():
        listed = [one for one in known.values() if one.kind == kind]
        if kind == "fault":
            rows: Iterator[tuple[str, ...]] = ((code(one.name), words(one.description)) for one in listed)
            parts += [f"## {title}\n", table(("scenario", "effect"), rows)]
            continue
        rows = ((code(one.name), *_case(gateway, one.case)) for one in listed)
        parts += [f"## {title}\n", table(("scenario", "status", "when", "body", "source"), rows)]
    return "\n".join(parts)


def _case(gateway: Gateway, name: str) -> tuple[str, ...]:
    status, case = gateway.cases[name]
    body = "" if case.body is None else code(case.body if isinstance(case.body, str) else json.dumps(case.body))
    return str(status.code), words(case.when), body, words(case.source)


def admin_page() -> str:
    """Returns the page of all calls of the admin API."""
    rows = [
        (code(f"{method} {PREFIX}{name}"), prose(inspect.getdoc(handler) or ""))
        for (method, name), handler in Admin.ROUTES.items()
    ]
    filters = ", ".join(map(code, FILTERS))
    return "\n".join(
        [
            ADMIN,
            table(("call", "effect"), rows),
            f"Filters of the history, as a query: {filters}. A wait lasts at most {MAX_WAIT:g} seconds.\n",
            "The [console](../mock.md#console) uses these calls, too: "
            f"{', '.join(code(f'GET {PREFIX}{name}') for name in CALLS)}.\n",
        ]
    )
