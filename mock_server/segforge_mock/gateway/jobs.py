"""Polls of v2 jobs, and their results."""

from functools import lru_cache
from typing import Any, Final

from segforge.spec.catalog import Gateway
from segforge_mock.gateway.call import Call
from segforge_mock.gateway.outputs import Output, Outputs
from segforge_mock.gateway.profile import failed_job
from segforge_mock.gateway.refusals import Refusals
from segforge_mock.gateway.urls import Urls
from segforge_mock.http.answers import Answer
from segforge_mock.jobs.job import COMPLETED, FAILED, GivenFile, Job, StateName, state
from segforge_mock.media.document import GeneratedDocument
from segforge_mock.media.files import GeneratedFile
from segforge_mock.models.served import ServedModels
from segforge_mock.models.unlisted import unlisted_model
from segforge_mock.stores.base import Store

FAILED_STATUS: Final = 422
"""The status of polls of a failed job, unless a stub states another one."""


class Jobs:
    """Answers polls, and works out what a job returns."""

    def __init__(self, models: ServedModels, store: Store, outputs: Outputs, refusals: Refusals, urls: Urls) -> None:
        gateway: Gateway = models.gateway
        self._models = models
        self._store = store
        self._outputs = outputs
        self._refusals = refusals
        self._urls = urls
        self._retention = gateway.lifecycle.retention_seconds

    async def answer(self, call: Call) -> Answer:
        """Answers a status, result or poll. Unknown and expired jobs are 404, failed ones 422."""
        route = call.match.route
        job = await self._store.get(call.match.value)
        if job is None or call.now - job.submitted_at >= (
            self._retention if job.given is None else self.known_for(job)
        ):
            case = "output.unknown" if route == "poll" else "request.unknown"
            return self._refusals.case(case, {"request_id": call.match.value})
        if job.polls or job.held:
            current = await self.state(job, call.now, polled=route == "status")
        else:
            current = state(job, call.now)
        if current == FAILED:
            record = {"status": FAILED, "request_id": job.request_id, "error": job.error}
            status = (job.given.failed_status if job.given is not None else None) or FAILED_STATUS
            return call.json(status, failed_job(call.profile, record, _metrics(job)))
        if current == COMPLETED and route != "status":
            return await self._result(call, job)
        origin, urls, name = self._urls.origin(call.request), self._urls, job.request_id
        return call.json(
            200,
            {
                "status": current,
                "request_id": name,
                "status_url": urls.status(origin, name),
                "response_url": urls.result(origin, name),
                "metrics": _metrics(job) if current == COMPLETED else {},
            },
        )

    def known_for(self, job: Job) -> float:
        """Returns the seconds after the submit for which the record of a job is known."""
        given = job.given
        return self._retention if given is None or given.expires is None else given.expires

    async def state(self, job: Job, now: float, *, polled: bool = False) -> StateName:
        """Returns the state of a job at a time in seconds. `polled` counts one more poll of its status."""
        if not job.polls and not job.held:
            return state(job, now)
        counts = polled and job.polls
        progress = await (self._store.count_poll if counts else self._store.progress)(job.request_id)
        return state(job, now, progress)

    def output(self, job: Job) -> Output:
        """Returns the output of a job."""
        return self._outputs.of(self._models.get(job.slug) or unlisted_model(job.slug), job.body)

    def files(self, job: Job, output: Output) -> tuple[GeneratedFile | GivenFile, ...]:
        """Returns the files of a job by the number in their URLs: the generated ones or those of a stub, and more."""
        if job.given is None:
            return output.files
        given = job.given.files
        replacing = tuple(file for file in given if file.field is None)
        return (replacing or output.files) + tuple(file for file in given if file.field is not None)

    def links(self, job: Job, origin: str) -> list[tuple[str, str]]:
        """Returns the URL and the media type of each output of a completed job.

        Documents and files in other fields don't count.
        """
        return [
            (_file_url(job, number, file, origin)[1], file.media_type)
            for number, file in enumerate(self.files(job, self.output(job)), 1)
            if not isinstance(file, GeneratedDocument) and (isinstance(file, GeneratedFile) or file.field is None)
        ]

    async def _result(self, call: Call, job: Job) -> Answer:
        output, origin = self.output(job), self._urls.file_origin(call.request)
        if job.given is not None and job.given.files:
            shown = await self._given(job, output, origin)
        elif output.document is not None:
            shown = {"output": (await self._outputs.bytes_of(output.document)).decode()}
        else:
            files = [await self._listed(job, number, file, origin) for number, file in enumerate(output.files, 1)]
            shown = {"output": files[0]["url"], **_by_medium(output.medium, files)}
        answer = call.json(
            200,
            {
                "status": COMPLETED,
                "request_id": job.request_id,
                **shown,
                "seed": str(output.seed),
                "prompt": output.prompt,
                "metrics": _metrics(job),
            },
        )
        answer.headers.extend(output.marks)
        return answer

    async def _given(self, job: Job, output: Output, origin: str) -> dict[str, Any]:
        """Returns the outputs in the result of a job whose stub states some."""
        shown: dict[str, Any] = {}
        listed: list[dict[str, Any]] = []
        for number, file in enumerate(self.files(job, output), 1):
            if isinstance(file, GivenFile) and file.field is not None:
                shown[file.field] = (await self._listed(job, number, file, origin))["url"]
            elif isinstance(file, GeneratedDocument):
                shown["output"] = (await self._outputs.bytes_of(file)).decode()
            else:
                listed.append(await self._listed(job, number, file, origin))
        return {"output": listed[0]["url"], **_by_medium(output.medium, listed), **shown} if listed else shown

    async def _listed(self, job: Job, number: int, file: GeneratedFile | GivenFile, origin: str) -> dict[str, Any]:
        name, url = _file_url(job, number, file, origin)
        size = file.size if isinstance(file, GivenFile) else len(await self._outputs.bytes_of(file))
        return {"url": url, "content_type": file.media_type, "file_name": name, "file_size": str(size)}


def _file_url(job: Job, number: int, file: GeneratedFile | GivenFile, origin: str) -> tuple[str, str]:
    """Returns the name and the URL of a job's file."""
    name = f"{job.request_id}-{number}.{file.format}"
    return name, f"{origin}/generations/{name}"


def _by_medium(medium: str, files: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the files under the name that results of their medium use: a list of images, or one video and so on."""
    if medium == "image":
        return {"images": files}
    return {medium: files[0] if len(files) == 1 else files}


@lru_cache(maxsize=1_024)
def _rounded(seconds: float) -> float:
    return round(seconds, 6)


def _metrics(job: Job) -> dict[str, float]:
    stated = job.given.remaining_credits if job.given is not None else None
    return {
        "cost": job.cost,
        "remaining_credits": job.remaining_credits if stated is None else stated,
        "inference_time": job.inference_time,
        "queue_time": job.queue_time,
        "total_time": _rounded(job.total_time),
    }
