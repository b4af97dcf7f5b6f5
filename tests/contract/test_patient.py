"""Rate limits: how long a run waits after a 429, and which requests are never sent twice."""

import pytest

from segforge_contract import NoAnswer, Request, Response
from segforge_contract.targets.patient import PatientTarget, attempt

NOW = 1_700_000_000.0
GET, POST = Request("GET", "/v2/requests/a"), Request("POST", "/v1/a")
OK = Response(200, {}, b"")


class Scripted:
    """Returns prepared answers in order and counts requests."""

    base_url, loopback = "http://gateway.invalid", False

    def __init__(self, *answers: Response | NoAnswer) -> None:
        self.answers = list(answers)
        self.sent = 0

    def send(self, request: Request) -> Response:
        del request
        self.sent += 1
        answer = self.answers.pop(0)
        if isinstance(answer, NoAnswer):
            raise answer
        return answer

    def close(self) -> None:
        pass


def patient(target: Scripted) -> tuple[PatientTarget, list[float]]:
    waited: list[float] = []
    return PatientTarget(target, sleep=waited.append, now=lambda: NOW), waited


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30),
        ({"x-rate-limit-reset-at-utc": "2023-11-14T22:14:00Z"}, 40),
        ({"x-rate-limit-reset-at-utc": "2023-11-14 22:14:00"}, 40),
        ({"x-rate-limit-reset-at-utc": "1700000005.5"}, 5.5),
        ({"x-rate-limit-reset-at-utc": "2023-11-14T22:00:00Z"}, 0),
        ({"retry-after": "99999"}, 120),
        ({"retry-after": "soon"}, 1),
        ({}, 1),
    ],
)
def test_waits_as_long_as_a_429_states(headers: dict[str, str], seconds: float) -> None:
    target = Scripted(Response(429, headers, b""), OK)
    sender, waited = patient(target)
    assert sender.send(POST) == OK
    assert waited == [seconds]


def test_gives_up_after_five_429() -> None:
    limited = Response(429, {"retry-after": "1"}, b"")
    target = Scripted(*[limited] * 9)
    assert patient(target)[0].send(POST) == limited
    assert target.sent == 5


def test_submit_without_an_answer_is_not_resent() -> None:
    target = Scripted(NoAnswer("cut"), OK)
    with pytest.raises(NoAnswer):
        patient(target)[0].send(POST)
    assert target.sent == 1


def test_poll_without_an_answer_is_resent() -> None:
    target = Scripted(NoAnswer("cut"), OK)
    assert patient(target)[0].send(GET) == OK


def test_body_of_a_lost_answer_is_released_before_the_request_is_sent_again() -> None:
    class Losing:
        base_url, loopback = "http://127.0.0.1:9", True

        def send(self, _request: Request) -> Response:
            raise NoAnswer("no complete answer: the body is larger than 64 MiB")

        def close(self) -> None:
            pass

    outcome = attempt(Losing(), Request("GET", "/v1/get-user-credits"))
    assert isinstance(outcome, NoAnswer)
    assert outcome.__traceback__ is None
