"""Reads the result of the first job again at the end of a run: a job is kept for its whole retention."""

from segforge_contract.cases.requests import poll_request
from segforge_contract.checks.answers import Broken
from segforge_contract.engine.failure import Failure
from segforge_contract.engine.session import Session
from segforge_contract.errors import NoAnswer, NotSent

_MARGIN = 60.0  # seconds before the end of the retention; the gateway's clock started a little earlier


def look_back(session: Session) -> list[Failure]:
    """Reads the result of the first job again. Returns the failure if it is gone or another one.

    The clock of the target must not have been moved. A resumed run can't tell how old a recorded job is.
    """
    first = session.follower.first
    if first is None or not session.audited:
        return []
    (job, watch), gateway = first, session.catalog.gateway
    age = session.pace.clock() - job.submitted
    if age > gateway.lifecycle.retention_seconds - _MARGIN or watch.result is None:
        return []
    request = poll_request(gateway, "result", job.request_id)
    try:
        response = session.send(request)
    except NotSent:
        return []
    except NoAnswer as error:
        session.note_silence(error)
        return []
    if response.status != 200:
        expected = f"200 for {gateway.lifecycle.retention_seconds:g} s"
        broken = Broken("job.kept", expected, f"{response.in_words}, {age:.0f} s after the submit")
        return [Failure(job.case, broken, (job.case.request, request))]
    watch.broken.clear()
    watch.compare(watch.result, response)
    return [Failure(job.case, broken, (job.case.request, request)) for broken in watch.broken]
