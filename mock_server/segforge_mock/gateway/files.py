"""Files: uploads, which the mock serves again, and the images of completed jobs. Neither needs a key to download."""

import base64
import binascii
import hashlib
import re
from typing import Annotated, Final, NamedTuple

import msgspec

from segforge_mock.faults.replies import Reply
from segforge_mock.gateway.call import Call
from segforge_mock.gateway.forms import form_files
from segforge_mock.gateway.ids import request_id
from segforge_mock.gateway.jobs import Jobs
from segforge_mock.gateway.outputs import Outputs
from segforge_mock.gateway.refusals import Refusals
from segforge_mock.gateway.urls import OUTPUT_HOST, STORAGE_HOST, Urls
from segforge_mock.http.answers import Answer, bytes_answer, file_answer, json_answer
from segforge_mock.http.counts import parts_refusal, values_refusal
from segforge_mock.jobs.job import COMPLETED, GivenFile
from segforge_mock.media.document import GeneratedDocument
from segforge_mock.memory import Memory, Shelf
from segforge_mock.stores.base import Store

KEPT_BYTES: Final = 64 * 2**20
FILE_BYTES: Final = 500
"""Bytes that a file needs in memory beside its media type and content."""
MAX_EXPECTED: Final = 1_000
"""Names under which a file may still be uploaded. The oldest are dropped first."""
IMAGE_SECONDS: Final = 7 * 24 * 3600.0
"""Seconds after the submit for which a job's images can be downloaded."""
_IMAGE_NAME: Final = re.compile(r"(?P<id>[0-9a-f-]{32,36})-(?P<number>[0-9]{1,5})\.(?P<format>[a-z0-9]+)")
_DATA_URL: Final = re.compile(r"data:(?P<type>[a-z]+/[a-z0-9.+-]+);base64,(?P<data>[A-Za-z0-9+/=\s]*)", re.IGNORECASE)
_ACCEPTED: Final = re.compile(r"(image|audio|video)/[a-z0-9.-]+|application/pdf")
"""The types that the vendor's pages and change log name: images, audio, video and PDF. SVG can hold scripts."""
_ENDING: Final = re.compile(r"[a-z0-9]+")


class _Upload(msgspec.Struct):
    data_urls: Annotated[list[str], msgspec.Meta(min_length=1)]


class Asset(NamedTuple):
    """A file that a tenant uploaded."""

    tenant: str
    name: str
    media_type: str
    data: bytes


class Files:
    """Answers uploads and downloads. Keeps the newest KEPT_BYTES of uploads, if they fit into the memory."""

    def __init__(
        self, store: Store, jobs: Jobs, outputs: Outputs, refusals: Refusals, urls: Urls, memory: Memory
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._outputs = outputs
        self._refusals = refusals
        self._urls = urls
        self._uploads: Shelf[str, Asset] = Shelf(memory, "uploads", most_bytes=KEPT_BYTES, forget=self._lose)
        self._of_tenants: dict[str, set[str]] = {}
        self._expected: Shelf[str, str] = Shelf(memory, "expected_uploads", most=MAX_EXPECTED)

    def upload(self, call: Call) -> Answer:
        """Keeps the files of an upload and answers their URLs.

        The docs name the result `urls`, and the official SDK reads `file_urls`.
        """
        request = call.request
        refusal = values_refusal(request.body)
        if refusal is not None:
            return refusal
        try:
            upload = msgspec.json.decode(request.body, type=_Upload)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return self._refusals.case("body.malformed", {"reason": str(error)})
        files = [_decoded(text) for text in upload.data_urls]
        if None in files:
            return json_answer(400, {"error": "Files must be provided as base64-encoded data URLs."})
        return self._stored(call, [file for file in files if file is not None])

    async def upload_form(self, call: Call) -> Answer:
        """Keeps the file of a multipart form, and answers like `upload`. The name of the file tells its media type."""
        request = call.request
        if request.media_type != "multipart/form-data":
            return self._refusals.case("content_type.invalid")
        content_type = request.header(b"content-type")
        refusal = parts_refusal(content_type, request.body)
        if refusal is not None:
            return refusal
        try:
            files = form_files("file", content_type, request.body)
        except ValueError as error:
            return self._refusals.case("body.malformed", {"reason": str(error)})
        if not files:
            return self._refusals.case("body.malformed", {"reason": "the form has no file in a part named file"})
        return self._stored(call, files)

    def _stored(self, call: Call, files: list[tuple[str, bytes]]) -> Answer:
        """Keeps files, each with its media type, and answers their URLs. Refuses types that a page could run."""
        other = sorted({media_type for media_type, _ in files if not _ACCEPTED.fullmatch(media_type)})
        if other:
            expected = "image/*, audio/*, video/* or application/pdf"
            return json_answer(400, {"error": f"Unsupported file type {other[0][:100]}; expected {expected}."})
        names = [self._keep_by_content(call.tenant.name, *file) for file in files]
        output, storage = (self._urls.file_origin(call.request, host) for host in (OUTPUT_HOST, STORAGE_HOST))
        found = {
            "file_urls": [f"{output}/assets/{name}" for name in names],
            "urls": [f"{storage}/assets/{name}" for name in names],
        }
        return json_answer(200, {**found, "message": "Files uploaded successfully"})

    def forget(self, tenant: str) -> None:
        """Drops the uploads of a tenant."""
        for name in self._of_tenants.pop(tenant, ()):
            self._uploads.pop(name)

    def expect(self, tenant: str) -> str:
        """Returns a new name under which a ZIP file may be uploaded once, without a key."""
        name = f"{request_id('hex')}.zip"
        self._expected.put(name, tenant, FILE_BYTES)
        return name

    def keep(self, tenant: str, name: str, media_type: str, data: bytes) -> None:
        """Keeps a file of a tenant under a name, unless it is larger than all files together may be."""
        if len(data) < KEPT_BYTES:
            self._of_tenants.setdefault(tenant, set()).add(name)
            self._uploads.put(name, Asset(tenant, name, media_type, data), FILE_BYTES + len(media_type) + len(data))

    def _keep_by_content(self, tenant: str, media_type: str, data: bytes) -> str:
        """Keeps a file and returns its name, which callers of other tenants can't guess from its content."""
        ending = _ENDING.match(media_type.partition("/")[2])
        digest = hashlib.sha256(tenant.encode() + data).hexdigest()[:32]
        name = f"{digest}.{ending[0] if ending else 'bin'}"
        self.keep(tenant, name, media_type, data)
        return name

    def _lose(self, asset: Asset) -> None:
        names = self._of_tenants[asset.tenant]
        names.discard(asset.name)
        if not names:
            del self._of_tenants[asset.tenant]

    def asset(self, call: Call) -> Answer:
        """Answers the download of an upload, with the media type of its data URL and as an attachment."""
        if call.request.method == "PUT" and call.match.value in self._expected:
            self.keep(
                self._expected.pop(call.match.value) or "", call.match.value, "application/zip", call.request.body
            )
            return bytes_answer("text/plain", b"")
        if call.request.method not in ("GET", "HEAD"):
            return self._refusals.wrong_method(call.match)
        found = self._uploads.use(call.match.value)
        if found is None:
            return self._refusals.case("route.unknown", {"path": call.request.path})
        answer = file_answer(found.thing.media_type, found.thing.data)
        answer.headers.append((b"content-disposition", b"attachment"))
        return answer

    async def image(self, call: Call) -> Answer:
        """Answers the download of an image of a completed job. Its URL is the secret: no key is required."""
        if call.request.method not in ("GET", "HEAD"):
            return self._refusals.wrong_method(call.match)
        named = _IMAGE_NAME.fullmatch(call.match.value)
        job = await self._store.get(named["id"]) if named is not None else None
        if job is not None and named is not None and call.now - job.submitted_at < IMAGE_SECONDS:
            number = int(named["number"])
            output = self._jobs.output(job) if job.error is None else None
            files = self._jobs.files(job, output) if output is not None else ()
            file = files[number - 1] if 0 < number <= len(files) else None
            is_wanted = file is not None and file.format == named["format"]
            if output and file and is_wanted and await self._jobs.state(job, call.now) == COMPLETED:
                if isinstance(file, GivenFile):
                    return self._given(call, file)
                if not isinstance(file, GeneratedDocument):
                    answer = file_answer(file.media_type, await self._outputs.bytes_of(file))
                    answer.headers.extend(output.marks)
                    return answer
        return self._refusals.case("route.unknown", {"path": call.request.path})

    def _given(self, call: Call, file: GivenFile) -> Answer:
        """Answers the download of an output that a stub states, with the status with which it fails, if any."""
        if file.download_status is not None:
            return Reply(status=file.download_status).answer()
        data = self._outputs.given.get(file)
        if data is None:
            return self._refusals.case("route.unknown", {"path": call.request.path})
        return file_answer(file.media_type, data)

    async def owner_of(self, name: str) -> str | None:
        """Returns the name of the tenant that submitted the job of an image, or None for an unknown job."""
        request_id, _, _ = name.rpartition("-")
        job = await self._store.get(request_id)
        return job.tenant if job is not None else None


def _decoded(text: str) -> tuple[str, bytes] | None:
    """Returns the media type and content of a data URL, or None if the text is not one."""
    found = _DATA_URL.fullmatch(text)
    try:
        return None if found is None else (found["type"].lower(), base64.b64decode(found["data"], validate=False))
    except binascii.Error:
        return None
