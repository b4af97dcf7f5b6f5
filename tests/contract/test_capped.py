"""A cap holds exactly on gateways that bill requests which are free by the docs, whenever a run is killed."""

import contextlib
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from segforge import Catalog
from segforge_contract.errors import NoAnswer, NotSent
from segforge_contract.messages.request import Request, Response
from segforge_contract.targets.capped import CappedTarget
from segforge_contract.targets.journal import create, reopen
from segforge_contract.targets.ledger import NOTHING

WORST, FREE = Decimal("0.05"), Decimal("0.01")
BALANCE = "/v1/get-user-credits"
JOB = Request("GET", "/v2/requests/job/status")


class Toll:
    """A gateway that bills the requests to some paths at some price, and answers 502 to all but the balance."""

    base_url, loopback = "http://gateway.test", True

    def __init__(self, *paths: str, price: Decimal = FREE, kill_at: int = 0) -> None:
        self.paths, self.price, self.kill_at = paths, price, kill_at
        self.billed, self.requests = NOTHING, 0

    def send(self, request: Request) -> Response:
        balance = Decimal(10) - self.billed
        self.billed += self.price if request.path in self.paths else NOTHING
        self.requests += 1
        if self.requests == self.kill_at:
            raise KeyboardInterrupt  # as a signal does: nothing is recorded
        if request.path == BALANCE:
            return Response(200, {}, json.dumps({"credits": float(balance)}).encode())
        return Response(502, {}, b"")

    def close(self) -> None:
        """Closes nothing."""


@contextlib.contextmanager
def purse(catalog: Catalog, toll: Toll, folder: Path, cap: Decimal) -> Iterator[CappedTarget]:
    """Opens the gateway under a cap. It resumes the journal in the folder, if there is one."""
    file = folder / "run.jsonl"
    with contextlib.closing(reopen(file) if file.exists() else create(file, {})) as journal:
        target = CappedTarget(toll, catalog.gateway, journal, cap=cap, worst=lambda _request: WORST, free=FREE)
        target.open()
        yield target


@pytest.mark.parametrize("paths", [(BALANCE,), (JOB.path,), (BALANCE, JOB.path)], ids=["balance", "poll", "both"])
@pytest.mark.parametrize("cap", ["0.05", "0.08", "0.2"])
def test_free_requests_cost_no_more_than_the_cap(
    catalog: Catalog, tmp_path: Path, paths: tuple[str, ...], cap: str
) -> None:
    """Each start is killed at another request, and the next one resumes. A run that isn't killed ends by itself."""
    billed = NOTHING
    for kill_at in (1, 2, 3, 4, 5, 6, 7, 0):
        toll = Toll(*paths, kill_at=kill_at)
        toll.billed = billed
        with (
            contextlib.suppress(KeyboardInterrupt, NotSent),
            purse(catalog, toll, tmp_path, Decimal(cap)) as target,
        ):
            for _ in range(100):
                target.send(JOB)
        billed = toll.billed
        assert billed <= Decimal(cap)
    assert billed > NOTHING


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_error_on_a_route_of_jobs_keeps_no_price_of_a_call_reserved(
    catalog: Catalog, tmp_path: Path, method: str
) -> None:
    """No method starts a call there, so a gateway error doesn't hide one."""
    with purse(catalog, Toll(), tmp_path, Decimal("0.2")) as target:
        for path in (JOB.path, "/v2/requests/job", "/v1/requests/job", BALANCE):
            target.send(Request(method, path))
        target.weigh()
        assert target.ledger.unsettled == 0
        assert target.ledger.held == FREE  # of the last reading


def test_request_that_is_cut_off_is_settled_by_the_next_reading_unless_it_may_still_run(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toll = Toll()
    with purse(catalog, toll, tmp_path, Decimal("0.2")) as target:
        for slow, held in ((False, FREE), (True, 2 * FREE)):

            def lose(_request: Request, slow: bool = slow) -> Response:
                raise NoAnswer("cut", slow=slow)

            with monkeypatch.context() as patched:
                patched.setattr(toll, "send", lose)
                with pytest.raises(NoAnswer):
                    target.send(JOB)
            target.weigh()
            assert target.ledger.held == held
