"""Everything that the mock keeps is counted in bytes. At the limit the oldest things are dropped first."""

import gc
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.mock_memory import MIB, Load, metrics, resident, served
from segforge.cli import main
from segforge_mock import BadSetting, Mock, MockTransport, create_app
from segforge_mock.app import App
from segforge_mock.faults import stubs
from segforge_mock.handle import KEY
from segforge_mock.http import protocol
from segforge_mock.memory import KEPT_BYTES, SLACK, Full, Memory, Shelf

SUBMIT = "/v2/style-transfer"
RUN = "/v1/style-transfer"


def key(number: int) -> str:
    return f"SG_{number:016x}"


def payload(size: int = 0) -> dict[str, str]:
    return {"style_image": "http://x/" + "x" * size}


@pytest.fixture
def app() -> App:
    return create_app(time_scale=0, media="tiny", max_memory=64)


@pytest.fixture
def client(app: App) -> Iterator[httpx.Client]:
    with httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY}) as client:
        yield client


sizes = st.integers(0, 3_000)
steps = st.lists(
    st.tuples(st.sampled_from(["put", "put", "use", "pop", "hold", "release"]), st.integers(0, 2), sizes), max_size=80
)


@given(steps=steps)
def test_shelves_fit_into_the_limit_and_the_oldest_thing_is_dropped_first(steps: list[tuple[str, int, int]]) -> None:
    memory = Memory(10_000)
    last_used: list[dict[int, int]] = [{}, {}, {}]
    held: list[int] = []

    def shelf_of(which: int, *, last: bool = False) -> Shelf[int, int]:
        def forget(thing: int) -> None:
            used = last_used[which].pop(thing)
            assert all(used <= other + SLACK for other in last_used[which].values())

        return Shelf(memory, str(which), forget=forget, most=5, last=last)

    shelves = [shelf_of(0), shelf_of(1), shelf_of(2, last=True)]
    for number, (step, which, size) in enumerate(steps):
        shelf, kept = shelves[which], last_used[which]
        some = min(kept, default=-1)
        if step == "put":
            kept[number] = number
            shelf.put(number, number, size)
        elif step == "use" and (found := shelf.use(some)) is not None:
            kept[some] = number
            shelf.grow(found, size)
        elif step == "pop":
            assert shelf.pop(some) == (some if kept.pop(some, None) is not None else None)
        elif step == "hold":
            try:
                memory.hold(size)
                held.append(size)
            except Full:
                assert memory.in_use + size > memory.limit
        elif step == "release" and held:
            memory.give_back(held.pop())
        assert [len(each) for each in shelves] == [len(each) for each in last_used]
        assert memory.in_use == sum(held)
        assert memory.used == sum(held) + sum(each.size for each in shelves)
        assert all(each.size >= KEPT_BYTES * len(each) for each in shelves)
        assert memory.used <= memory.limit or sum(map(len, shelves)) == 1


def test_a_thing_in_use_is_kept() -> None:
    memory = Memory(5_000)
    shelf = Shelf[int, str](memory, "a", in_use=lambda thing: thing == "used")
    shelf.put(0, "used", 1_000)
    for number in range(1, 20):
        shelf.put(number, "free", 1_000)
    assert shelf.get(0) == "used"
    assert memory.used <= memory.limit


def test_balances_are_dropped_last() -> None:
    """A lost job is a clear 404; a lost balance would be a wrong amount."""
    memory = Memory(5_000)
    state, jobs = Shelf[int, int](memory, "state", last=True), Shelf[int, int](memory, "jobs")
    state.put(0, 0, 100)
    for number in range(20):
        jobs.put(number, number, 1_000)
    assert 0 in state


def test_a_dropped_job_is_404_like_an_expired_one_and_counted(client: httpx.Client, app: App) -> None:
    app.memory.limit = 2 * MIB
    ids = [client.post(SUBMIT, json=payload(MIB // 4)).json()["request_id"] for _ in range(12)]
    codes = [client.get(f"/v2/requests/{request_id}").status_code for request_id in ids]
    assert codes == sorted(codes, reverse=True)
    assert {codes[0], codes[-1]} == {404, 200}
    assert client.get(f"/v2/requests/{ids[0]}").json() == {"error": f"Request {ids[0]} not found"}
    figures = metrics(client.get("/metrics").text)
    assert figures["memory_evicted_total", "jobs"] == codes.count(404)
    assert figures["memory_limit_bytes", ""] == 2 * MIB
    assert MIB < figures["memory_used_bytes", "jobs"] <= 2 * MIB
    assert [job["request_id"] for job in client.get("/_mock/jobs").json()] == ids[codes.count(404) :]


def test_a_dropped_tenant_starts_again_as_new(app: App, client: httpx.Client) -> None:
    client.put("/_mock/credits", json={"credits": 1})
    opening = client.get("/v1/get-user-credits", headers={"x-api-key": key(0)}).json()["credits"]
    for number in range(30_000):
        coroutine = app.store.set_balance(key(number), 1.0)
        with pytest.raises(StopIteration):
            coroutine.send(None)
    assert client.get("/v1/get-user-credits").json()["credits"] == opening
    figures = metrics(client.get("/metrics").text)
    assert figures["memory_evicted_total", "balances"] > 0
    assert figures["memory_used_bytes", "balances"] <= 16 * MIB


def test_reading_a_balance_keeps_nothing(client: httpx.Client) -> None:
    client.get("/v1/get-user-credits")
    assert metrics(client.get("/metrics").text)["memory_used_bytes", "balances"] == 0


def submit(client: httpx.Client, number: int) -> None:
    client.post(SUBMIT, json=payload(number % 100) | {"seed": number})


def tenants(client: httpx.Client, number: int) -> None:
    client.get("/v1/get-user-credits", headers={"x-api-key": key(number)})


def rules(client: httpx.Client, number: int) -> None:
    client.post("/_mock/rules", json={"scenario": "run-failed", "times": 1 + number})


def long_headers(client: httpx.Client, number: int) -> None:
    client.get("/v1/none", headers={"x-long": f"{number}" * 3_000, **{f"x-{n}": "y" for n in range(50)}})


def upload(client: httpx.Client, number: int) -> None:
    client.post("/upload-asset", json={"data_urls": [f"data:image/png;base64,{number:08d}"]})


def webhooks(client: httpx.Client, number: int) -> None:
    body = {"webhook_url": f"http://localhost/{number}", "event": {"types": [f"{number}" * 10 for _ in range(20)]}}
    client.post("/webhook/add", json=body, headers={"x-api-key": key(number)}).raise_for_status()


def trainings(client: httpx.Client, number: int) -> None:
    body = {"name": "x" * 100, "base_model": "x", "instance_prompt": f"{number}" * 100}
    client.post("/finetune/request/submit", json=body).raise_for_status()


def upload_urls(client: httpx.Client, number: int) -> None:
    client.request("GET", "/finetune/request/upload/pre-signed-url", json={"name": f"{number}"}).raise_for_status()


def run(client: httpx.Client, number: int) -> None:
    client.post(RUN, json=payload() | {"seed": number})


@pytest.mark.parametrize("step", [submit, tenants, rules, long_headers, upload, run, webhooks, trainings, upload_urls])
def test_estimates_err_on_the_high_side(step: Callable[[httpx.Client, int], None]) -> None:
    app = create_app(time_scale=0, media="tiny")
    with httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY}) as client:
        for number in range(10_000_000, 10_000_010):
            step(client, number)
        gc.collect()
        used = app.memory.used
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for number in range(50):
                step(client, number)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    assert grown <= app.memory.used - used


def test_stubs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stubs, "MAX_STUBS", 3)
    with Mock(stubs=(stubs.Stub("run-failed"),)) as mock:
        for _ in range(3):
            mock.scenario("run-failed", times=1)
        with pytest.raises(stubs.BadStub, match="4 stubs"):
            mock.scenario("run-failed")
        answer = httpx.post(f"{mock.url}/_mock/rules", json={"scenario": "run-failed"}, headers={"x-api-key": KEY})
        assert answer.status_code == 400
        assert "4 stubs" in answer.json()["error"]
        mock.clear_scenarios()
        mock.scenario("run-failed")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def raw(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "host: mock", f"x-api-key: {KEY}", *headers]
    lines += ["content-type: application/json", f"content-length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


@pytest.mark.parametrize("size", [10, 100_000, 1_000_000])
@pytest.mark.parametrize(
    ("path", "rule"),
    [
        (RUN, None),
        (SUBMIT, {"latency": {"distribution": "constant", "seconds": 600}}),
        (SUBMIT, {"scenario": "slow-body", "seconds": 600}),
        ("/_mock/requests/wait?count=100&timeout=60", None),
    ],
)
def test_a_disconnect_frees_the_request_s_memory(path: str, rule: dict[str, object] | None, size: int) -> None:
    method = "GET" if path.startswith("/_mock") else "POST"
    body = b'{"style_image":"http://%b"}' % (b"x" * size)
    with Mock(time_scale=1000, job_policy=None) as mock:
        if rule is not None:
            httpx.post(f"{mock.url}/_mock/rules", json=rule, headers={"x-api-key": KEY}).raise_for_status()
        address = mock.url.removeprefix("http://").split(":")
        left = [socket.create_connection((address[0], int(address[1]))) for _ in range(5)]
        for connection in left:
            connection.sendall(raw(method, path, body))
        until(lambda: mock.app.memory.in_use > 5 * size)
        for connection in left:
            connection.close()
        until(lambda: mock.app.memory.in_use == 0)
        answered = 200 if rule is not None and "scenario" in rule else 0
        assert {(request.path, request.status) for request in mock.requests} <= {(path, answered)}


def test_running_requests_that_fill_the_memory_are_503(app: App, client: httpx.Client) -> None:
    app.memory.hold(app.memory.limit - 100_000)
    assert client.post(RUN, json=payload()).status_code == 200
    refused = client.post(RUN, json=payload(100_000))
    assert refused.status_code == 503
    assert "--max-memory" in refused.json()["error"]
    app.memory.give_back(app.memory.in_use)
    assert client.post(RUN, json=payload(100_000)).status_code == 200


def test_a_tenant_with_a_waiting_request_is_kept() -> None:
    with Mock(max_memory=64) as mock:
        mock.latency(600)
        mock.profile("observed")
        address = mock.url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1]))) as connection:
            connection.sendall(raw("POST", RUN, b'{"style_image":"http://x"}'))
            until(lambda: mock.app.memory.in_use > 0)
            for number in range(1_100):
                mock.app.tenants.get(key(number).encode())
            assert mock.tenant.profile == "observed"


def test_a_client_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "READ_SECONDS", 0.5)
    with Mock(time_scale=0) as mock:
        data = "data:image/png;base64," + "A" * 12_000_000
        url = httpx.post(f"{mock.url}/upload-asset", json={"data_urls": [data]}, headers={"x-api-key": KEY}, timeout=30)
        path = httpx.URL(url.json()["urls"][0]).path
        address = mock.url.removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1]))) as connection:
            connection.sendall(raw("GET", path))
            until(lambda: mock.app.memory.in_use > MIB)
            until(lambda: mock.app.memory.in_use == 0)


@pytest.mark.parametrize("limit", ["63", "0", "-1", "x", "1.5", "99999999"])
def test_an_impossible_limit_is_misuse(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["mock", "--port", "0", f"--max-memory={limit}"])
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 0
    assert code == 2
    assert "--max-memory" in capsys.readouterr().err
    with pytest.raises(BadSetting, match=r"max_memory: .* from 64 "):
        create_app(max_memory=1)


def test_the_process_stays_under_its_limit() -> None:
    """A sample of benchmarks/mock_memory.py, with its bound: the limit and 100 MB."""
    with served(64) as mock, closing(Load(mock)) as load:
        load.jobs(24)
        load.journal(1_500)
        load.tenants(3_000)
        figures = metrics(httpx.get(f"{mock.url}/metrics").text)
        assert figures["memory_evicted_total", "jobs"] > 0
        assert figures["memory_evicted_total", "history"] > 0
        assert resident(mock.pid, peak=True) < 64 * MIB + 100e6
