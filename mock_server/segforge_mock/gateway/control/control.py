"""Answers the routes beside those of models that the official SDK calls, as far as sources know their answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from segforge_mock.gateway.call import Call
from segforge_mock.gateway.control.accounts import Accounts
from segforge_mock.gateway.control.bodies import BadInput
from segforge_mock.gateway.control.delivery import Deliveries
from segforge_mock.gateway.control.history import JobHistory
from segforge_mock.gateway.control.pixelflows import PixelFlows
from segforge_mock.gateway.control.trainings import Trainings
from segforge_mock.gateway.control.webhooks import Webhooks
from segforge_mock.gateway.files import Files
from segforge_mock.gateway.jobs import Jobs
from segforge_mock.gateway.refusals import Refusals
from segforge_mock.gateway.runs import Runs
from segforge_mock.gateway.urls import Urls
from segforge_mock.http.answers import Answer, json_answer, json_bytes, json_bytes_answer
from segforge_mock.http.callers import WebhookRules
from segforge_mock.memory import Memory
from segforge_mock.models.served import ServedModels
from segforge_mock.stores.base import Store
from segforge_mock.tenants.tenants import Tenant, Tenants

MODELS_KEY: Final = "Inference Segmind Model Information List With Details"


class GatewayParts(NamedTuple):
    """The parts of a gateway that its other routes use."""

    models: ServedModels
    store: Store
    tenants: Tenants
    memory: Memory
    refusals: Refusals
    urls: Urls
    runs: Runs
    jobs: Jobs
    files: Files


class Control:
    """Answers the gateway's other routes. `now`: the tenant's time, in seconds since the epoch."""

    def __init__(
        self, parts: GatewayParts, rules: WebhookRules, now: Callable[[Tenant], float], time_scale: float
    ) -> None:
        models, store, tenants, memory, refusals, urls, runs, jobs, files = parts
        accounts = Accounts(memory, tenants)
        self._models = models
        self._listing: bytes | None = None
        self._deliveries = Deliveries(rules.hosts, memory, time_scale)
        tenants.on_forget(self._deliveries.forget)
        webhooks = Webhooks(accounts, refusals, rules.callers, self._deliveries, now)
        flows = PixelFlows(store, runs, jobs, refusals, urls, webhooks)
        usd = float(models.gateway.assumptions["usd_per_credit"].value)
        history = JobHistory(store, jobs, refusals, urls, usd)
        trainings = Trainings(accounts, files, refusals, urls, time_scale)
        self.routes: Mapping[str, Callable[[Call], Awaitable[Answer]]] = {
            "upload_input": files.upload_form,
            "pixelflow_run": flows.run,
            "pixelflow_run_by_slug": flows.run,
            "pixelflow_poll": flows.poll,
            "model_list": self._model_list,
            "account": self._account,
            "generations": history.generations,
            "recent_generations": history.recent,
            "request_history": history.requests,
            "request_history_entry": history.request,
            "webhook_list": webhooks.list,
            "webhook_add": webhooks.add,
            "webhook_update": webhooks.update,
            "webhook_deactivate": webhooks.deactivate,
            "webhook_logs": webhooks.logs,
            "finetune_submit": trainings.submit,
            "finetune_details": trainings.details,
            "finetune_list": trainings.list,
            "finetune_upload_url": trainings.upload_url,
            "finetune_access": trainings.access,
            "finetune_download_url": trainings.download_url,
        }
        """The handlers of the routes by name."""

    async def answer(self, call: Call) -> Answer:
        """Answers a call on one of the routes."""
        try:
            return await self.routes[call.match.route](call)
        except BadInput as error:
            return json_answer(400, {"error": str(error)})

    async def close(self) -> None:
        """Stops deliveries."""
        await self._deliveries.close()

    async def _account(self, call: Call) -> Answer:
        return call.json(200, {"authenticated": True})

    async def _model_list(self, _call: Call) -> Answer:
        if self._listing is None:
            self._listing = await asyncio.to_thread(_listing, self._models)
        return json_bytes_answer(self._listing)


def _listing(models: ServedModels) -> bytes:
    """Returns the list of all served models. Reads each spec, so it takes a while."""
    slugs = dict.fromkeys((*models.slugs, *models.directory.listings))
    served = (models.get(slug) for slug in slugs)
    rows = [
        {"slug": one.model.slug, "title": one.model.title, "description": one.model.description}
        for one in served
        if one is not None
    ]
    return json_bytes({MODELS_KEY: rows})
