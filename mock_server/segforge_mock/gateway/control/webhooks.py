"""Webhooks: their routes, and the events of PixelFlow runs that are delivered to them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final, NamedTuple

import msgspec

from segforge_mock.gateway.call import Call
from segforge_mock.gateway.control.accounts import Accounts, Attempt, Webhook
from segforge_mock.gateway.control.bodies import BadInput, Query, body_of
from segforge_mock.gateway.control.delivery import Deliveries, is_usable
from segforge_mock.gateway.ids import request_id
from segforge_mock.gateway.refusals import Refusals
from segforge_mock.http.answers import Answer, json_answer
from segforge_mock.http.callers import Callers
from segforge_mock.http.endpoint import Unavailable
from segforge_mock.jobs.job import COMPLETED
from segforge_mock.tenants.tenants import Tenant

_SHORTEST: Final = 0.005
_LONGEST: Final = 0.25
"""Seconds between two looks at a run that has not ended."""


class _Event(msgspec.Struct):
    types: Annotated[list[Annotated[str, msgspec.Meta(max_length=100)]], msgspec.Meta(min_length=1, max_length=20)]


class _Added(msgspec.Struct):
    webhook_url: Annotated[str, msgspec.Meta(max_length=2_000)]
    event: _Event


class _Changed(_Added):
    webhook_id: str


class Ended(NamedTuple):
    """The end of a run of a PixelFlow. `state` is "" if the run no longer exists. `output` is as polls answer it."""

    request_id: str
    state: str
    output: str | None


class Webhooks:
    """Answers the routes of webhooks and delivers events in the background. `now`: the tenant's time, in seconds."""

    def __init__(
        self,
        accounts: Accounts,
        refusals: Refusals,
        callers: Callers,
        deliveries: Deliveries,
        now: Callable[[Tenant], float],
    ) -> None:
        self._accounts = accounts
        self._refusals = refusals
        self._callers = callers
        self._deliveries = deliveries
        self.now = now

    async def list(self, call: Call) -> Answer:
        """Answers the webhooks of the tenant."""
        webhooks = self._accounts.of(call.tenant.name).webhooks.values()
        return call.json(200, {"data": [webhook.as_json() for webhook in webhooks]})

    async def add(self, call: Call) -> Answer:
        """Adds a webhook. A page of another origin may not, since the mock would send requests for it."""
        refusal = self._callers.refusal(call.request, "a route of webhooks")
        if refusal is not None:
            return refusal
        asked = body_of(call, _Added)
        webhook = Webhook(request_id("uuid"), _checked(asked.webhook_url), tuple(asked.event.types))
        self._accounts.add_webhook(call.tenant.name, webhook)
        return call.json(200, webhook.as_json())

    async def update(self, call: Call) -> Answer:
        """Changes a webhook, under the conditions of `add`."""
        refusal = self._callers.refusal(call.request, "a route of webhooks")
        if refusal is not None:
            return refusal
        asked = body_of(call, _Changed)
        webhook = self._found(call, asked.webhook_id)
        if webhook is None:
            return _unknown(asked.webhook_id)
        self._accounts.change_webhook(call.tenant.name, webhook, _checked(asked.webhook_url), tuple(asked.event.types))
        return call.json(200, webhook.as_json())

    async def deactivate(self, call: Call) -> Answer:
        """Drops a webhook."""
        name = Query(call).required("webhook_id")
        webhook = self._found(call, name)
        if webhook is None:
            return _unknown(name)
        self._accounts.drop_webhook(call.tenant.name, webhook)
        return call.json(200, webhook.as_json())

    async def logs(self, call: Call) -> Answer:
        """Answers the attempts to deliver to a webhook, the newest first."""
        name = Query(call).required("webhook_id")
        webhook = self._found(call, name)
        if webhook is None:
            return _unknown(name)
        return call.json(200, {"data": [attempt.as_json() for attempt in reversed(webhook.log)]})

    def watch(self, tenant: Tenant, ended: Callable[[], Awaitable[Ended | None]]) -> None:
        """Delivers the events of a run when `ended` returns its end. Does nothing if the tenant has no webhook."""
        if self._accounts.of(tenant.name).webhooks:
            self._deliveries.start(tenant.name, self._watch(tenant, ended))

    async def _watch(self, tenant: Tenant, ended: Callable[[], Awaitable[Ended | None]]) -> None:
        wait, end = _SHORTEST, None
        while end is None:
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, _LONGEST)
            try:
                end = await ended()
            except Unavailable:  # the store may come back
                continue
        if not end.state:
            return
        events = ["NODE_RUN", "GRAPH_RUN"] if end.state == COMPLETED else ["GRAPH_RUN"]
        webhooks = tuple(self._accounts.of(tenant.name).webhooks.values())
        await asyncio.gather(*(self._deliver(tenant, webhook, events, end) for webhook in webhooks))

    async def _deliver(self, tenant: Tenant, webhook: Webhook, events: Sequence[str], end: Ended) -> None:
        """Delivers the events that a webhook subscribed to, one after the other."""
        for event in events:
            if event not in webhook.types and "PIXELFLOW" not in webhook.types:
                continue
            body = {"event": event, "request_id": end.request_id, "status": end.state, "output": end.output}

            def note(number: int, status: int | None, error: str | None, event: str = event) -> None:
                webhook.log.append(Attempt(event, end.request_id, number, status, error, self.now(tenant)))

            await self._deliveries.deliver(webhook.url, msgspec.json.encode(body), note)

    def _found(self, call: Call, webhook_id: str) -> Webhook | None:
        return self._accounts.of(call.tenant.name).webhooks.get(webhook_id)


def _checked(url: str) -> str:
    if not is_usable(url):
        raise BadInput(f"webhook_url: expected an http or https URL without a user name, found {url[:200]!r}")
    return url


def _unknown(webhook_id: str) -> Answer:
    return json_answer(404, {"error": f"Webhook {webhook_id[:100]} not found"})
