"""Runs and polls of PixelFlows. A run is a job of the store, like a v2 submit."""

import json
from typing import Any, Final

from segforge_mock.gateway.call import Call
from segforge_mock.gateway.control.webhooks import Ended, Webhooks
from segforge_mock.gateway.jobs import Jobs
from segforge_mock.gateway.refusals import Refusals
from segforge_mock.gateway.runs import Runs
from segforge_mock.gateway.urls import Urls
from segforge_mock.http.answers import Answer
from segforge_mock.jobs.job import COMPLETED, FAILED, QUEUED, Job
from segforge_mock.models.unlisted import unlisted_model
from segforge_mock.stores.base import Store

PREFIX: Final = "workflows/"
"""The start of the slugs of runs. No slug of a model has a slash."""
KEYNAME: Final = "output"


class PixelFlows:
    """Starts runs and answers their polls. Every id is a flow with one node, which returns an image."""

    def __init__(
        self, store: Store, runs: Runs, jobs: Jobs, refusals: Refusals, urls: Urls, webhooks: Webhooks
    ) -> None:
        self._store = store
        self._runs = runs
        self._jobs = jobs
        self._refusals = refusals
        self._urls = urls
        self._webhooks = webhooks

    async def run(self, call: Call) -> Answer:
        """Answers a run with the id and the poll URL of its job."""
        if call.request.media_type != "application/json":
            return self._refusals.case("content_type.invalid")
        job = await self._runs.accept(call, unlisted_model(PREFIX + call.match.value))
        if isinstance(job, Answer):
            return job
        files = self._urls.file_origin(call.request)

        async def ended() -> Ended | None:
            kept = await self._store.get(job.request_id)
            now = self._webhooks.now(call.tenant)
            if kept is None or now - kept.submitted_at >= self._jobs.known_for(kept):
                return Ended(job.request_id, "", None)
            state = await self._jobs.state(kept, now)
            return (
                Ended(job.request_id, state, self._output(kept, state, files)) if state in (COMPLETED, FAILED) else None
            )

        self._webhooks.watch(call.tenant, ended)
        return call.json(200, self._queued(job, self._urls.origin(call.request)))

    async def poll(self, call: Call) -> Answer:
        """Answers a poll. An unknown or expired run is 404, and a failed one 200 unless a stub says else."""
        job = await self._store.get(call.match.value)
        if job is None or not job.slug.startswith(PREFIX) or call.now - job.submitted_at >= self._jobs.known_for(job):
            return self._refusals.case("request.unknown", {"request_id": call.match.value})
        state = await self._jobs.state(job, call.now, polled=True)
        if state == QUEUED:
            return call.json(200, self._queued(job, self._urls.origin(call.request)))
        if state == FAILED:
            status = (job.given.failed_status if job.given is not None else None) or 200
            return call.json(status, {"error": job.error, "error_message": {"error": job.error}, "status": FAILED})
        return call.json(
            200, {"output": self._output(job, state, self._urls.file_origin(call.request)), "status": state}
        )

    def _queued(self, job: Job, origin: str) -> dict[str, Any]:
        return {
            "message": "The run is queued.",
            "poll_url": f"{origin}/workflows/request/{job.request_id}",
            "request_id": job.request_id,
            "status": QUEUED,
        }

    def _output(self, job: Job, state: str, origin: str) -> str:
        """Returns the output of a run as text. It is empty unless the run is completed."""
        if state != COMPLETED:
            return ""
        links = self._jobs.links(job, origin)
        values = ({"data": url, "type": media_type.partition("/")[0]} for url, media_type in links)
        return json.dumps([{"keyname": KEYNAME, "value": value} for value in values])
