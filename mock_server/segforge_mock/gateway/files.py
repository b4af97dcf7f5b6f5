"""POST /upload-asset: takes base64 data URLs, answers URLs at the mock that serve the bytes again without a key."""

import base64
import binascii
import hashlib
import re
from typing import Annotated, Final

import msgspec

from segforge_mock.http.answers import Answer, Cases, case_answer, file_answer, json_answer
from segforge_mock.http.counts import values_refusal
from segforge_mock.http.request import IncomingRequest
from segforge_mock.memory import Memory, Shelf

KEPT_BYTES: Final = 64 * 2**20
FILE_BYTES: Final = 300
"""What a file needs in memory beside its media type and content."""
_DATA_URL: Final = re.compile(r"data:(?P<type>[a-z]+/[a-z0-9.+-]+);base64,(?P<data>[A-Za-z0-9+/=\s]*)", re.IGNORECASE)
_TAKEN: Final = re.compile(r"(image|audio|video)/[a-z0-9.-]+|application/pdf")
"""What the vendor's pages and log name: images, audio, video and PDF. No SVG, which is a page with scripts."""
_ENDING: Final = re.compile(r"[a-z0-9]+")


class _Upload(msgspec.Struct):
    data_urls: Annotated[list[str], msgspec.Meta(min_length=1)]


class Uploads:
    """Uploaded files, the newest KEPT_BYTES of them that fit into the memory."""

    def __init__(self, memory: Memory) -> None:
        self._files: Shelf[str, tuple[str, bytes]] = Shelf(memory, "uploads", most_bytes=KEPT_BYTES)

    def answer(self, request: IncomingRequest, origin: str, cases: Cases) -> Answer:
        """Keep the files of an upload. `urls` is what the docs name the result, `file_urls` what the SDK reads."""
        refusal = values_refusal(request.body)
        if refusal is not None:
            return refusal
        try:
            upload = msgspec.json.decode(request.body, type=_Upload)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            return case_answer(cases, "body.malformed", {"reason": str(error)})
        files = [self._read(text) for text in upload.data_urls]
        if None in files:
            return json_answer(400, {"error": "Files must be provided as base64-encoded data URLs."})
        other = sorted({file[0] for file in files if file is not None and not _TAKEN.fullmatch(file[0])})
        if other:
            reason = (
                f"Files of type {other[0][:100]} are not taken; expected image/*, audio/*, video/* or application/pdf."
            )
            return json_answer(400, {"error": reason})
        urls = [f"{origin}/assets/{self._keep(*file)}" for file in files if file is not None]
        return json_answer(200, {"file_urls": urls, "urls": urls, "message": "Files uploaded successfully"})

    def _read(self, text: str) -> tuple[str, bytes] | None:
        found = _DATA_URL.fullmatch(text)
        try:
            return None if found is None else (found["type"].lower(), base64.b64decode(found["data"], validate=False))
        except binascii.Error:
            return None

    def _keep(self, media_type: str, data: bytes) -> str:
        ending = _ENDING.match(media_type.partition("/")[2])
        name = f"{hashlib.sha256(data).hexdigest()[:32]}.{ending[0] if ending else 'bin'}"
        if len(data) < KEPT_BYTES:
            self._files.put(name, (media_type, data), FILE_BYTES + len(media_type) + len(data))
        return name

    def get(self, name: str) -> Answer | None:
        """An uploaded file, served as what it was said to be and for download only, or None."""
        found = self._files.use(name)
        if found is None:
            return None
        answer = file_answer(*found.thing)
        answer.headers.append((b"content-disposition", b"attachment"))
        return answer
