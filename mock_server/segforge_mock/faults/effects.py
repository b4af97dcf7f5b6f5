"""Effects that a stub states: the cost, balance, outputs and end of a run or job. Also used to edit one job."""

import hashlib
import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from segforge.spec.catalog import MEDIA_TYPES
from segforge_mock.bounds import BadSetting
from segforge_mock.faults.replies import check_header
from segforge_mock.jobs.job import Given, GivenFile, Job
from segforge_mock.jobs.policy import read_policy

QUEUEING_ROUTES: Final = ("submit", "pixelflow_run", "pixelflow_run_by_slug")
"""Routes that start a job."""
MAX_ERROR: Final = 64 * 2**10
MAX_OUTPUTS: Final = 100
OUTPUT_BYTES: Final = 900
"""Memory that an output of a stub takes beside its bytes, with its record."""
_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+-]{1,60}/[\w!#$&^.+-]{1,60}(?:; ?[\x21-\x7e]{1,100})?", re.ASCII)
_FIELDS_OF_A_RESULT: Final = ("error", "metrics", "output", "prompt", "request_id", "seed", "status")
_FORMATS: Final = {media_type: name for name, media_type in MEDIA_TYPES.items()}
_LETTERS: Final = re.compile(r"[a-z0-9]{1,10}")


class FileOutput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An output: its bytes, or in a stub that was not read yet a path.

    Without `field`, it replaces the generated outputs. `field` is the name under which the result of a job has its URL,
    beside the others. `download_status` is the status with which its download fails.
    """

    base64: bytes | None = None
    file: str | None = None
    media_type: str | None = None
    field: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    download_status: Annotated[int, Meta(ge=400, le=599)] | None = None

    def check(self, place: str) -> None:
        """Raises BadSetting, with the place, for an output without bytes, or with a media type or field of no use."""
        if (self.base64 is None) == (self.file is None):
            found = "neither" if self.file is None else "both"
            raise BadSetting(f"{place}: expected either base64 or file, found {found}")
        if self.base64 is not None and self.media_type is None:
            raise BadSetting(f"{place}.media_type: expected the type of the bytes, such as image/png; found none")
        if self.media_type is not None and not _MEDIA_TYPE.fullmatch(self.media_type):
            raise BadSetting(f"{place}.media_type: expected a type such as image/png, found {self.media_type[:100]!r}")
        check_header(f"{place}.media_type", "content-type", self.media_type or "")
        if self.field in _FIELDS_OF_A_RESULT:
            known = ", ".join(_FIELDS_OF_A_RESULT)
            raise BadSetting(f"{place}.field: {self.field} has another meaning; expected a name other than {known}")

    @property
    def given(self) -> tuple[GivenFile, bytes]:
        """The record of the output, as a job keeps it, and its bytes."""
        data, media_type = self.base64 or b"", self.media_type or "application/octet-stream"
        plain = media_type.partition(";")[0].strip().lower()
        subtype = _LETTERS.match(plain.partition("/")[2])
        ending = _FORMATS.get(plain) or (subtype[0] if subtype is not None else "bin")
        digest = hashlib.sha256(data).hexdigest()
        return GivenFile(digest, media_type, ending, len(data), self.field, self.download_status), data


class Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a run or a job costs and returns, and how a job ends. An omitted field leaves it as it is.

    `cost` is charged; `remaining_credits` is only stated. A job with an `error` fails, and its polls have
    `failed_status`; null lets it succeed. `policy` is how it progresses. `expires` is the number of seconds after which
    its record is unknown. With `any_body`, a submit accepts a body that breaks the spec.
    """

    cost: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    remaining_credits: Annotated[float, Meta(ge=-1e12, le=1e12)] | None = None
    outputs: Annotated[tuple[FileOutput, ...], Meta(max_length=MAX_OUTPUTS)] = ()
    error: Annotated[str, Meta(max_length=MAX_ERROR)] | UnsetType | None = UNSET
    failed_status: Annotated[int, Meta(ge=200, le=599)] | None = None
    policy: str | None = None
    expires: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    any_body: bool = False

    @property
    def size(self) -> int:
        """Memory in bytes (an estimate)."""
        outputs = sum(OUTPUT_BYTES + len(output.base64 or b"") for output in self.outputs)
        return outputs + 4 * (len(self.error) if isinstance(self.error, str) else 0)

    def check(self, place: str) -> None:
        """Raises BadSetting, with the place, for an effect that does nothing or contradicts itself."""
        if self == Effect():
            raise BadSetting(f"{place}: states nothing; expected one of {', '.join(Effect.__struct_fields__)}")
        if self.failed_status is not None and not isinstance(self.error, str):
            raise BadSetting(f"{place}.failed_status: only a failed job has one; add error, the text of the failure")
        if isinstance(self.error, str) and self.outputs:
            raise BadSetting(f"{place}.outputs: a failed job has none; leave out error or outputs")
        if self.policy is not None:
            read_policy(self.policy)
        for number, output in enumerate(self.outputs):
            output.check(f"{place}.outputs[{number}]")

    def check_route(self, place: str, route: str | None) -> None:
        """Raises BadSetting, with the place, for a field that has no effect on requests to a route."""
        if route != "run" and route not in QUEUEING_ROUTES:
            found = "no route" if route is None else f"the route {route}"
            known = " or ".join(("run", *QUEUEING_ROUTES))
            raise BadSetting(f"{place}: applies to runs and submits, found {found}; set route to {known}")
        if route == "run":
            jobs_only = {"error": UNSET, "failed_status": None, "policy": None, "expires": None}
            for name, usual in jobs_only.items():
                if getattr(self, name) is not usual:
                    raise BadSetting(f"{place}.{name}: only a job has it, found route run; set route to submit")
            for number, output in enumerate(self.outputs):
                if output.field is not None or output.download_status is not None:
                    raise BadSetting(
                        f"{place}.outputs[{number}]: a run returns the bytes themselves, without field or download; "
                        "set route to submit, or leave out field and download_status"
                    )

    def of(self, job: Job, files: tuple[GivenFile, ...]) -> Job:
        """Returns a job with this effect. `files` are the records of the outputs."""
        changes: dict[str, Any] = {}
        if self.error is not UNSET:
            changes["error"] = self.error
        if self.cost is not None:
            changes["cost"] = self.cost
        if changes.get("error", job.error) is not None:
            changes["cost"] = 0.0
        if self.policy is not None:
            policy = read_policy(self.policy)
            changes |= {"polls": policy.polls, "held": policy.held}
            if policy.seconds is not None:
                share = job.queue_time / job.total_time if job.total_time else 0.0
                changes |= {"queue_seconds": policy.seconds * share, "run_seconds": policy.seconds * (1 - share)}
        given = job.given or Given()
        given = Given(
            failed_status=self.failed_status or given.failed_status,
            remaining_credits=given.remaining_credits if self.remaining_credits is None else self.remaining_credits,
            expires=given.expires if self.expires is None else self.expires,
            files=files or given.files,
        )
        return msgspec.structs.replace(job, given=None if given == Given() else given, **changes)
