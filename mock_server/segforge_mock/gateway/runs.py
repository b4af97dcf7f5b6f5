"""Runs of v1 and submits of v2."""

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import NamedTuple

from segforge.spec.catalog import Gateway, Version
from segforge.spec.price import usual_credits
from segforge_mock.gateway.bodies import ReadBody, Reader
from segforge_mock.gateway.call import Call
from segforge_mock.gateway.ids import request_id
from segforge_mock.gateway.outputs import Outputs
from segforge_mock.gateway.refusals import Refusals
from segforge_mock.gateway.urls import Urls
from segforge_mock.http.answers import Answer, RawHeaders, bytes_answer, json_bytes, json_bytes_answer
from segforge_mock.http.waiting import pause
from segforge_mock.jobs.job import QUEUED, Job
from segforge_mock.memory import Memory
from segforge_mock.models.reading import ServedModel
from segforge_mock.models.served import ServedModels
from segforge_mock.models.unlisted import unlisted_model
from segforge_mock.stores.base import Store


class _Facts(NamedTuple):
    """The facts of a model that each answer states: cost in credits, run time in seconds, and headers.

    `marks` are the headers by version that say how much is known about the model and its version.
    """

    cost: float
    seconds: float
    cost_header: bytes
    seconds_header: bytes
    marks: Mapping[Version, RawHeaders]


class Runs:
    """Starts runs and jobs. `time_scale`: seconds here per second of the real gateway."""

    def __init__(
        self,
        models: ServedModels,
        store: Store,
        outputs: Outputs,
        refusals: Refusals,
        urls: Urls,
        memory: Memory,
        *,
        time_scale: float,
        any_model: bool,
    ) -> None:
        gateway: Gateway = models.gateway
        self._models = models
        self._store = store
        self._outputs = outputs
        self._refusals = refusals
        self._urls = urls
        self._memory = memory
        self._time_scale = time_scale
        self._any_model = any_model
        self._reader = Reader(gateway)
        self._content_types = gateway.content_types
        self._facts = lru_cache(maxsize=1_024)(partial(_facts, gateway))
        self._queue_time = float(gateway.assumptions["queue_seconds"].value)

    async def run(self, call: Call) -> Answer:
        """Answers a run with its output: the bytes, or JSON with them in base64."""
        served = self._served(call)
        if isinstance(served, Answer):
            return served
        effect = call.fault.effect
        reading = self._read(call, served, "v1")
        if reading.refusal is not None:
            return reading.refusal
        facts = self._facts(served)
        cost, cost_header = facts.cost, facts.cost_header
        if effect is not None and effect.cost is not None:
            cost, cost_header = effect.cost, json_bytes(effect.cost)
        remaining = await self._store.charge(call.tenant.name, cost)
        if remaining is None:
            return await self._low_balance(call, served, "v1", cost)
        if effect is not None and effect.remaining_credits is not None:
            remaining = effect.remaining_credits
        queue_seconds, run_seconds = self._times(call, facts.seconds)
        if queue_seconds or run_seconds:
            await pause(self._memory, call.request, call.tenant, queue_seconds + run_seconds)
        output = self._outputs.of(served, reading.payload)
        if effect is not None and call.fault.files:
            record, data = call.fault.files[0]
            answer = bytes_answer(record.media_type, data)
        elif output.base64:
            body = await self._outputs.json_of(output, facts.seconds, alphabetical=call.alphabetical)
            answer = json_bytes_answer(body)
        else:
            first = output.files[0]
            data = await self._outputs.bytes_of(first)
            answer = json_bytes_answer(data) if first.format == "json" else bytes_answer(first.media_type, data)
        answer.headers.extend(
            (
                (b"x-request-id", request_id(call.profile.request_ids).encode()),
                (b"x-cost", cost_header),
                (b"x-remaining-credits", json_bytes(remaining)),
                (b"x-generation-time", facts.seconds_header),
                (b"x-seed-value", b"%d" % output.seed),
                *output.marks,
                *facts.marks["v1"],
            )
        )
        return answer

    async def submit(self, call: Call) -> Answer:
        """Answers a submit with the job's id and URLs."""
        served = self._served(call)
        if isinstance(served, Answer):
            return served
        kept = await self.accept(call, served)
        if isinstance(kept, Answer):
            return kept
        origin, urls, name = self._urls.origin(call.request), self._urls, kept.request_id
        answer = call.json(
            200,
            {
                "request_id": name,
                "status": QUEUED,
                "poll_url": urls.poll(origin, name),
                "status_url": urls.status(origin, name),
                "response_url": urls.result(origin, name),
            },
        )
        answer.headers.extend(self._facts(served).marks["v2"])
        return answer

    async def accept(self, call: Call, served: ServedModel) -> Job | Answer:
        """Reads the payload of a job, charges the tenant and keeps the job. Returns it, or a refusal."""
        reading = self._read(call, served, "v2")
        if reading.refusal is not None:
            return reading.refusal
        job = self._job(call, served, reading)
        kept = await self._store.submit(job)
        return await self._low_balance(call, served, "v2", job.cost) if kept is None else kept

    def _served(self, call: Call) -> ServedModel | Answer:
        """Returns the model of a call, or the refusal of its slug, method or Content-Type."""
        request, slug = call.request, call.match.value
        if self._models.is_retired(slug):
            return self._refusals.case("model.retired", {"slug": slug})
        served: ServedModel | None = self._models.get(slug)
        if served is None and self._any_model:
            served = unlisted_model(slug)
        if served is None:
            return self._refusals.unknown_model(slug, self._models.near(slug))
        if request.method != call.match.method:
            return self._refusals.wrong_method(call.match)
        if request.media_type not in self._content_types:
            return self._refusals.content_type(request)
        return served

    def _read(self, call: Call, served: ServedModel, version: Version) -> ReadBody:
        reading = self._reader.read(served, version, call.profile.name, call.request)
        effect = call.fault.effect
        if effect is None or not effect.any_body or (reading.refusal is None and reading.error is None):
            return reading
        return ReadBody()

    def _job(self, call: Call, served: ServedModel, reading: ReadBody) -> Job:
        policy, error, failure = call.policy, reading.error, call.failure
        if failure is not None:
            error = self._refusals.error(failure.case, failure.description)
        facts, effect = self._facts(served), call.fault.effect
        queue_seconds, run_seconds = self._times(call, facts.seconds)
        job = Job(
            request_id=request_id(call.profile.request_ids),
            tenant=call.tenant.name,
            slug=served.model.slug,
            body=reading.payload,
            submitted_at=call.now,
            queue_time=self._queue_time,
            inference_time=facts.seconds,
            queue_seconds=queue_seconds,
            run_seconds=run_seconds,
            cost=facts.cost if error is None or effect is not None else 0.0,
            error=error,
            polls=policy.polls if policy is not None else 0,
            held=policy is not None and policy.held,
        )
        return job if effect is None else effect.of(job, self._outputs.given.keep(call.fault.files))

    def _times(self, call: Call, inference: float) -> tuple[float, float]:
        """Returns the real times in the queue and of a run that takes a time by the answer, all in seconds."""
        policy = call.policy
        if policy is None or policy.seconds is None:
            return self._queue_time * self._time_scale, inference * self._time_scale
        share = self._queue_time / (self._queue_time + inference)
        return policy.seconds * share, policy.seconds * (1 - share)

    async def _low_balance(self, call: Call, served: ServedModel, version: Version, cost: float) -> Answer:
        balance = await self._store.balance(call.tenant.name)
        case = call.profile.cases(version, "balance")[0]
        answer = self._refusals.case(case, {"balance": balance, "cost": cost})
        answer.headers.extend(self._facts(served).marks[version])
        return answer


def _facts(gateway: Gateway, served: ServedModel) -> _Facts:
    model, cost = served.model, usual_credits(gateway, served.model)
    average = model.average.seconds if model.average is not None else None
    seconds = model.typical_seconds or average or float(gateway.assumptions["typical_seconds"].value)
    level, undocumented = (b"x-mock-model", served.level.encode()), (b"x-mock-version", b"undocumented")
    versions: tuple[Version, ...] = ("v1", "v2")
    marks = {version: [level] if version in model.versions else [level, undocumented] for version in versions}
    return _Facts(cost, seconds, json_bytes(cost), json_bytes(seconds), marks)
