"""The history of v2 jobs as the official SDK reads it: generations, requests, and one request."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from segforge_mock.gateway.call import Call
from segforge_mock.gateway.control.bodies import MAX_PAGE, BadInput, Query, end_of, time_text
from segforge_mock.gateway.control.pixelflows import PREFIX
from segforge_mock.gateway.jobs import Jobs
from segforge_mock.gateway.refusals import Refusals
from segforge_mock.gateway.urls import Urls
from segforge_mock.http.answers import Answer
from segforge_mock.jobs.job import COMPLETED, FAILED, Job
from segforge_mock.stores.base import Store

LISTED_JOBS: Final = 1_000
"""The newest jobs of a tenant, which lists show."""
PER_PAGE: Final = 20
MOST_PER_PAGE: Final = 100
MOST_DAYS: Final = 31
_SORTS: Final[dict[str, Callable[[Job], Any]]] = {
    "model_created": lambda job: job.submitted_at,
    "model_name": lambda job: job.slug,
    "credits_deduction": lambda job: job.cost,
}


class JobHistory:
    """Answers lists of a tenant's v2 jobs. `usd`: the worth of a credit."""

    def __init__(self, store: Store, jobs: Jobs, refusals: Refusals, urls: Urls, usd: float) -> None:
        self._store = store
        self._jobs = jobs
        self._refusals = refusals
        self._urls = urls
        self._usd = usd

    async def generations(self, call: Call) -> Answer:
        """Answers the outputs of completed jobs, the newest first."""
        query = Query(call)
        page = query.whole("page", 1, MAX_PAGE)
        first, last = query.text("start_date"), query.text("end_date")
        start = query.day("start_date", _now(call)).timestamp() if first else 0.0
        end = end_of(query.day("end_date", _now(call))).timestamp() if last else float("inf")
        return await self._generations(call, query.text("model_name"), (start, end), page)

    async def recent(self, call: Call) -> Answer:
        """Answers the newest outputs of one model."""
        return await self._generations(call, Query(call).required("model_name"), (0.0, float("inf")), 1)

    async def _generations(self, call: Call, slug: str, window: tuple[float, float], page: int) -> Answer:
        jobs = [job for job in await self._listed(call, window) if slug in ("", job.slug)]
        rows: list[dict[str, Any]] = []
        for job in reversed(jobs):
            if len(rows) >= page * PER_PAGE:
                break
            if await self._state(call, job) == COMPLETED:
                rows += [self._generation(job, url) for url in self._outputs(call, job)]
        return call.json(200, {"data": _page(rows, page, PER_PAGE)})

    async def requests(self, call: Call) -> Answer:
        """Answers jobs in each state. The window has seven days unless the query states another one."""
        query = Query(call)
        page, per_page = query.whole("page", 1, MAX_PAGE), query.whole("per_page", PER_PAGE, MOST_PER_PAGE)
        last = query.day("to_date", _now(call))
        first = query.day("from_date", last - timedelta(days=7) if last.toordinal() > 7 else last)
        if not first <= last or (last - first).days >= MOST_DAYS:
            raise BadInput(f"from_date, to_date: expected a window of 1 to {MOST_DAYS} days")
        status, slug = query.one_of("status", (COMPLETED, FAILED, "PENDING")), query.text("model_name")
        sort = query.one_of("sort_by", _SORTS, "model_created")
        order = query.one_of("sort_order", ("desc", "asc"), "desc")
        jobs = await self._listed(call, (first.timestamp(), end_of(last).timestamp()))
        jobs.sort(key=_SORTS[sort], reverse=order == "desc")
        rows: list[dict[str, Any]] = []
        for job in jobs:
            if len(rows) >= page * per_page:
                break
            state = await self._state(call, job) if slug in job.slug else ""
            if state and status in ("", state):
                rows += self._rows(call, job, state)
        return call.json(200, {"data": _page(rows, page, per_page)})

    async def request(self, call: Call) -> Answer:
        """Answers one job of the tenant."""
        job = await self._store.get(call.match.value)
        if job is None or job.tenant != call.tenant.name or job.slug.startswith(PREFIX):
            return self._refusals.case("request.unknown", {"request_id": call.match.value})
        return call.json(200, self._rows(call, job, await self._state(call, job))[0])

    async def _listed(self, call: Call, window: tuple[float, float]) -> list[Job]:
        """Returns the newest jobs of a tenant that were submitted within a window, the oldest first."""
        jobs = (await self._store.jobs(call.tenant.name))[-LISTED_JOBS:]
        start, end = window
        return [job for job in jobs if start <= job.submitted_at < end and not job.slug.startswith(PREFIX)]

    async def _state(self, call: Call, job: Job) -> str:
        state = await self._jobs.state(job, call.now)
        return state if state in (COMPLETED, FAILED) else "PENDING"

    def _outputs(self, call: Call, job: Job) -> Sequence[str | None]:
        """Returns the URLs of a completed job's outputs. An output that is text has none."""
        links = self._jobs.links(job, self._urls.file_origin(call.request))
        return [url for url, _ in links] or [None]

    def _generation(self, job: Job, url: str | None) -> dict[str, Any]:
        payload = msgspec.json.decode(job.body)
        return {
            "model_name": job.slug,
            "generation_url": url,
            "status": COMPLETED,
            "credits_deduction": job.cost * self._usd,
            "latency_ms": round(job.total_time * 1000),
            "prompt": payload.get("prompt"),
            "parameters": payload,
        }

    def _rows(self, call: Call, job: Job, state: str) -> list[dict[str, Any]]:
        """Returns a row for each output of a job, each with the whole cost."""
        row = {
            "request_id": job.request_id,
            "model_name": job.slug,
            "model_status": state,
            "credits_deduction": job.cost * self._usd,
            "request_body": msgspec.json.decode(job.body),
            "generation_url": None,
            "latency_ms": None if state == "PENDING" else round(job.total_time * 1000),
            "model_created": time_text(job.submitted_at),
        }
        if state == COMPLETED:
            return [row | {"generation_url": url} for url in self._outputs(call, job)]
        return [row | {"error": job.error}] if state == FAILED else [row]


def _now(call: Call) -> datetime:
    return datetime.fromtimestamp(call.now, UTC)


def _page(rows: list[dict[str, Any]], page: int, per_page: int) -> list[dict[str, Any]]:
    return rows[(page - 1) * per_page : page * per_page]
