"""Fine-tuning: trainings, and the addresses of their data and weights."""

from typing import Annotated, Any, Final

import msgspec

from segforge_mock.gateway.call import Call
from segforge_mock.gateway.control.accounts import Accounts, Training
from segforge_mock.gateway.control.bodies import MAX_TEXT, BadInput, body_of, form_of, time_text
from segforge_mock.gateway.files import Files
from segforge_mock.gateway.ids import request_id
from segforge_mock.gateway.refusals import Refusals
from segforge_mock.gateway.urls import Urls
from segforge_mock.http.answers import Answer, bytes_answer, file_answer

TRAINING_SECONDS: Final = 600.0
"""Seconds that a training takes on the real gateway: an assumption."""
WEIGHTS: Final = b"\x02\0\0\0\0\0\0\0{}"
"""A safetensors file without tensors."""
_Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class _Submitted(msgspec.Struct):
    name: _Name
    base_model: _Name
    data_source_path: _Text = ""
    instance_prompt: _Text = ""
    segmind_public: bool = False


class _Asked(msgspec.Struct):
    request_id: str


class _Named(msgspec.Struct):
    name: _Name


class Trainings:
    """Answers the routes of fine-tuning. `time_scale`: seconds here per second of the real gateway."""

    def __init__(self, accounts: Accounts, files: Files, refusals: Refusals, urls: Urls, time_scale: float) -> None:
        self._accounts = accounts
        self._files = files
        self._refusals = refusals
        self._urls = urls
        self._seconds = TRAINING_SECONDS * time_scale

    async def submit(self, call: Call) -> Answer:
        """Starts a training."""
        asked, now = body_of(call, _Submitted), call.now
        training = Training(
            request_id("uuid"),
            asked.name,
            asked.data_source_path,
            asked.instance_prompt,
            asked.base_model,
            asked.segmind_public,
            submitted_at=now,
            ready_at=now + self._seconds,
            updated_at=now,
        )
        self._accounts.add_training(call.tenant.name, training)
        return call.json(200, {"status": "REQUESTED", "finetune_id": training.request_id, "name": training.name})

    async def details(self, call: Call) -> Answer:
        """Answers one training."""
        asked = body_of(call, _Asked)
        training = self._accounts.of(call.tenant.name).trainings.get(asked.request_id)
        if training is None:
            return self._unknown(asked.request_id)
        return call.json(200, {"finetune": self._shown(call, training)})

    async def list(self, call: Call) -> Answer:
        """Answers all trainings of the tenant."""
        trainings = self._accounts.of(call.tenant.name).trainings.values()
        return call.json(200, [self._shown(call, training) for training in trainings])

    async def upload_url(self, call: Call) -> Answer:
        """Answers an address that accepts one PUT of training data, and the address that serves it."""
        body_of(call, _Named)
        url = f"{self._urls.file_origin(call.request)}/assets/{self._files.expect(call.tenant.name)}"
        return call.json(200, {"presigned_url": url, "s3_url": url})

    async def access(self, call: Call) -> Answer:
        """Makes a model public or private."""
        form = form_of(call)
        name, public = form.get("request_id", ""), form.get("segmind_public", "")
        if public not in ("True", "False"):
            raise BadInput(f"segmind_public: expected True or False, found {public[:100]!r}")
        training = self._accounts.of(call.tenant.name).trainings.get(name)
        if training is None:
            return self._unknown(name)
        training.public, training.updated_at = public == "True", call.now
        return bytes_answer("text/plain", b"")

    async def download_url(self, call: Call) -> Answer:
        """Answers the address of a model's weights."""
        asked = form_of(call).get("cloud_storage_url", "")
        for training in self._accounts.of(call.tenant.name).trainings.values():
            if asked and asked == self._weights(call, training):
                name = f"{training.request_id}.safetensors"
                self._files.keep(call.tenant.name, name, "application/octet-stream", WEIGHTS)
                return file_answer("text/plain; charset=utf-8", asked.encode())
        return self._unknown(asked)

    def _shown(self, call: Call, training: Training) -> dict[str, Any]:
        weights = self._weights(call, training)
        return {
            "id": training.request_id,
            "finetune_id": training.request_id,
            "name": training.name,
            "data_source_path": training.data_source_path,
            "instance_prompt": training.instance_prompt,
            "status": "REQUESTED" if weights is None else "AVAILABLE",
            "base_model": training.base_model,
            "public_model": training.public,
            "error_message": None,
            "cloud_storage_url": weights,
            "created_ts": time_text(training.submitted_at),
            "updated_ts": time_text(
                training.updated_at if weights is None else max(training.ready_at, training.updated_at)
            ),
        }

    def _weights(self, call: Call, training: Training) -> str | None:
        """Returns the address of a training's weights, or None while it runs."""
        if call.now < training.ready_at:
            return None
        return f"{self._urls.file_origin(call.request)}/assets/{training.request_id}.safetensors"

    def _unknown(self, name: str) -> Answer:
        return self._refusals.case("request.unknown", {"request_id": name[:200]})
