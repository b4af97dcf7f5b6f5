"""Every scenario can be played by header, script, admin API and fixture, and by chaos."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segforge_mock import BadSetting, Mock, MockTransport, create_app
from segforge_mock.faults.reading import read_script
from segforge_mock.faults.scenarios import read_chaos, scenarios
from segforge_mock.faults.stubs import BadStub, Stub, Stubs
from tests.mock.conftest import KEY, Clock
from tests.seeds import seed_catalog

CATALOG = seed_catalog()
KNOWN = scenarios(CATALOG.gateway)
REFUSALS = {name: scenario for name, scenario in KNOWN.items() if scenario.kind == "case"}
FAILURES = {name: scenario for name, scenario in KNOWN.items() if scenario.kind == "job"}
EXAMPLE = CATALOG.model("style-transfer").valid_example


def client_of(**options: Any) -> httpx.Client:
    app = create_app(**{"time_scale": 0, **options})
    return httpx.Client(transport=MockTransport(app), base_url="http://mock", headers={"x-api-key": KEY})


def script(tmp_path: Path, text: str) -> tuple[Stub, ...]:
    path = tmp_path / "script.yaml"
    path.write_text(text, "utf-8")
    return read_script(path, KNOWN)


def expect_case(response: httpx.Response, name: str) -> None:
    """The answer is that of the scenario's status case."""
    status, case = CATALOG.gateway.cases[KNOWN[name].case]
    assert response.status_code == status.code
    if case.html is not None:
        assert response.headers["content-type"].startswith("text/html")
    else:
        assert case.body is not None
        assert set(response.json()) == set(case.body)
        assert "{" not in response.json()["error"]
    if status.code == 429:
        assert response.headers["x-rate-limit-reset-at-utc"].endswith("Z")
        assert "retry-after" not in response.headers


def test_every_documented_status_has_a_scenario() -> None:
    reachable = {CATALOG.gateway.cases[scenario.case][0].code for scenario in KNOWN.values() if scenario.case}
    assert {status.code for status in CATALOG.gateway.statuses} - {200} == reachable
    assert {"rate-limited", "auth-missing", "auth-invalid", "team-limit", "drop-after", "job-blocked"} <= set(KNOWN)


@pytest.mark.parametrize("way", ["header", "script", "admin", "fixture"])
@pytest.mark.parametrize("name", REFUSALS)
def test_every_model_plays_every_refusal(name: str, way: str, tmp_path: Path) -> None:
    paths = [f"/{version}/{model.slug}" for model in CATALOG.models for version in model.versions]
    text = f"rules:\n  - scenario: {name}\n"
    if way == "fixture":
        with Mock(time_scale=0) as mock, httpx.Client(base_url=mock.url, headers={"x-api-key": mock.key}) as client:
            mock.scenario(name)
            for path in paths:
                expect_case(client.post(path, json={}), name)
            assert {request.scenario for request in mock.requests} == {name}
        return
    with client_of(stubs=script(tmp_path, text) if way == "script" else ()) as client:
        if way == "admin":
            assert client.post("/_mock/rules", json={"scenario": name}).status_code == 200
        headers = {"x-mock-scenario": name} if way == "header" else {}
        for path in paths:
            expect_case(client.post(path, json={}, headers=headers), name)


@pytest.mark.parametrize("name", FAILURES)
def test_a_job_fails_when_asked_to(name: str) -> None:
    with client_of() as client:
        before = client.get("/v1/get-user-credits").json()["credits"]
        job = client.post("/v2/style-transfer", json=EXAMPLE, headers={"x-mock-scenario": name})
        assert job.status_code == 200
        for url in (job.json()["status_url"], job.json()["response_url"], job.json()["poll_url"]):
            response = client.get(url)
            assert response.status_code == 422
            body = response.json()
            assert body["status"] == "FAILED"
            assert body["error"]
            assert "cost" not in body["metrics"]
        assert client.get("/v1/get-user-credits").json()["credits"] == before
        expect_case(client.get("/v2/requests/x", headers={"x-mock-scenario": name}), name)


def test_an_unknown_scenario_is_refused() -> None:
    with client_of() as client:
        for header in ("x-mock-scenario", "x-mock-profile", "x-mock-job"):
            response = client.post("/v1/style-transfer", json=EXAMPLE, headers={header: "nonsense"})
            assert response.status_code == 400
            assert header in response.json()["error"]


def test_a_script_counts_its_requests(tmp_path: Path) -> None:
    rules = script(
        tmp_path,
        """
rules:
  - {scenario: upstream-unavailable, route: submit, times: 3}
  - {scenario: job-blocked, route: submit, every: 2}
""",
    )
    with client_of(stubs=rules) as client:
        assert client.post("/v1/style-transfer", json=EXAMPLE).status_code == 200
        codes = [client.post("/v2/style-transfer", json=EXAMPLE) for _ in range(7)]
        assert [code.status_code for code in codes] == [502, 502, 502, 200, 200, 200, 200]
        states = [client.get(code.json()["status_url"]).status_code for code in codes[3:]]
        assert states == [200, 422, 200, 422]


@given(
    after=st.integers(0, 4),
    every=st.integers(1, 4),
    times=st.none() | st.integers(1, 4),
    count=st.integers(0, 30),
)
def test_a_stub_applies_to_the_requests_that_it_states(after: int, every: int, times: int | None, count: int) -> None:
    stubs = Stubs(KNOWN, [Stub(scenario="run-failed", after=after, every=every, times=times)], seed=0)
    taken = [number for number in range(1, count + 1) if stubs.fault("run", "x").scenario is not None]
    expected = [after + every * index for index in range(1, count + 1) if after + every * index <= count]
    assert taken == expected[:times]


@pytest.mark.parametrize(
    "text",
    [
        "rules: [{scenario: nonsense}]",
        "rules: [{}]",
        "rules: [{scenario: run-failed, often: yes}]",
        "rules: [{scenario: run-failed, every: 0}]",
        "rules: [{scenario: run-failed, route: nowhere}]",
        "rules: [{latency: {distribution: zipf, seconds: 1}}]",
        "rules: [{latency: {distribution: constant, seconds: 9999}}]",
        "rule: []",
        "[",
    ],
)  # fmt: skip
def test_a_script_that_cannot_be_used_names_its_file(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadStub, match=r"script\.yaml"):
        script(tmp_path, text)


def test_latency_is_drawn_and_repeatable(tmp_path: Path) -> None:
    text = "rules: [{latency: {distribution: lognormal, seconds: 0.2, sigma: 1}}]"

    def drawn(seed: int) -> list[float]:
        stubs = Stubs(KNOWN, script(tmp_path, text), seed)
        return [stubs.fault("run", "x").delay for _ in range(200)]

    assert drawn(1) == drawn(1) != drawn(2)
    median = sorted(drawn(3))[100]
    assert 0.1 < median < 0.4


def test_latency_delays_an_answer() -> None:
    with Mock(time_scale=0) as mock:
        mock.latency(0.15)
        start = time.monotonic()
        httpx.get(f"{mock.url}/v1/get-user-credits", headers={"x-api-key": mock.key})
        assert time.monotonic() - start >= 0.15


def test_chaos_follows_its_rates_and_its_seed() -> None:
    def codes(seed: int) -> list[int]:
        with client_of(chaos="run-failed=0.3,upstream-timeout=0.2", seed=seed) as client:
            return [client.get("/v1/get-user-credits").status_code for _ in range(400)]

    first = codes(7)
    assert first == codes(7) != codes(8)
    assert 80 < first.count(500) < 160
    assert 45 < first.count(504) < 115


@pytest.mark.parametrize("text", ["x=0.1", "run-failed", "run-failed=2", "run-failed=-1", "run-failed=nan", "run-failed=0.7,upstream-timeout=0.7"])  # fmt: skip  # noqa: E501
def test_invalid_chaos_is_refused(text: str) -> None:
    with pytest.raises(BadSetting):
        read_chaos(text, KNOWN, 0)


@pytest.mark.parametrize(("name", "submitted"), [("drop-before", 0), ("drop-during", 1), ("drop-after", 1)])
def test_a_dropped_connection(name: str, submitted: int) -> None:
    with Mock(time_scale=0) as mock, httpx.Client(base_url=mock.url, headers={"x-api-key": mock.key}) as client:
        mock.scenario(name, times=1)
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            client.post("/v2/style-transfer", json=EXAMPLE)
        assert len(mock.jobs) == submitted
        assert client.post("/v2/style-transfer", json=EXAMPLE).status_code == 200
        assert [request.scenario for request in mock.requests] == [name, None]


def test_a_dropped_connection_in_process() -> None:
    with client_of() as client:
        for name in ("drop-before", "drop-during", "drop-after"):
            with pytest.raises(httpx.RemoteProtocolError):
                client.post("/v2/style-transfer", json=EXAMPLE, headers={"x-mock-scenario": name})


def test_a_truncated_image_and_a_malformed_body() -> None:
    with client_of() as client:
        whole = client.post("/v1/style-transfer", json=EXAMPLE)
        cut = client.post("/v1/style-transfer", json=EXAMPLE, headers={"x-mock-scenario": "truncated-image"})
        assert cut.headers["content-type"] == whole.headers["content-type"]
        assert cut.content == whole.content[: len(whole.content) // 2]
        broken = client.post("/v2/style-transfer", json=EXAMPLE, headers={"x-mock-scenario": "malformed-json"})
        assert broken.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            broken.json()


def test_a_slow_body_comes_in_pieces_and_whole() -> None:
    with Mock(time_scale=0) as mock, httpx.Client(base_url=mock.url, headers={"x-api-key": mock.key}) as client:
        whole = client.post("/v1/style-transfer", json=EXAMPLE).content
        mock.scenario("slow-body", seconds=0.3)
        start = time.monotonic()
        assert client.post("/v1/style-transfer", json=EXAMPLE).content == whole
        assert time.monotonic() - start > 0.2


# Profiles

INVALID: dict[str, dict[str, Any]] = {
    "required": {"style_image": ...},
    "null": {"style_image": None},
    "type": {"width": "wide"},
    "range": {"number_of_images": 11},
    "enum": {"model": "slow"},
    "format": {"style_image": "not a uri"},
}


def broken(family: str) -> dict[str, Any]:
    return {name: value for name, value in {**EXAMPLE, **INVALID[family]}.items() if value is not ...}


@pytest.mark.parametrize("profile", [profile.name for profile in CATALOG.gateway.profiles])
@pytest.mark.parametrize("family", INVALID)
def test_a_violation_is_answered_as_the_profile_says(profile: str, family: str) -> None:
    [facts] = [known for known in CATALOG.gateway.profiles if known.name == profile]
    with client_of(profile=profile) as client:
        for version in CATALOG.model("style-transfer").versions:
            case = facts.cases(version, family)[0]
            if family == "format" and facts.formats == "ignored":
                case = "job.accepted"
            response = client.post(f"/{version}/style-transfer", json=broken(family))
            if case == "job.failed":
                assert response.status_code == 200
                failed = client.get(response.json()["status_url"])
                assert failed.status_code == 422
                assert next(iter(INVALID[family])) in failed.json()["error"]
                assert tuple(failed.json()) == tuple(sorted(facts.failed_job_keys))
            else:
                assert response.status_code == CATALOG.gateway.cases[case][0].code


def test_the_observed_profile_casts_and_orders_and_names_as_observed() -> None:
    with client_of() as client:
        observed = {"x-mock-profile": "observed"}
        numeric = {**EXAMPLE, "width": "64", "height": "64", "structure_depth_strength": "0.5"}
        assert client.post("/v1/style-transfer", json=numeric).status_code == 400
        assert client.post("/v1/style-transfer", json=numeric, headers=observed).status_code == 200
        job = client.post("/v2/style-transfer", json=numeric, headers=observed).json()
        assert list(job) == sorted(job)
        assert len(job["request_id"]) == 32
        output = client.get(job["response_url"]).json()["output"]
        assert client.get(output).status_code == 200


def test_an_empty_balance_is_402_on_v2_where_observed() -> None:
    with Mock(time_scale=0, profile="observed") as mock:
        mock.credits = 0.01
        headers = {"x-api-key": mock.key}
        assert httpx.post(f"{mock.url}/v2/style-transfer", json=EXAMPLE, headers=headers).status_code == 402
        assert httpx.post(f"{mock.url}/v1/style-transfer", json=EXAMPLE, headers=headers).status_code == 406
        mock.profile("documented")
        assert httpx.post(f"{mock.url}/v2/style-transfer", json=EXAMPLE, headers=headers).status_code == 406
        assert mock.credits == 0.01


# Jobs


@pytest.mark.parametrize(
    ("policy", "states"),
    [
        ("instant", ["COMPLETED"]),
        ("polls=1", ["COMPLETED"]),
        ("polls=4", ["QUEUED", "PROCESSING", "PROCESSING", "COMPLETED", "COMPLETED"]),
        ("held", ["QUEUED", "QUEUED"]),
    ],
)
def test_a_job_moves_as_its_policy_says(policy: str, states: list[str]) -> None:
    with client_of(time_scale=1.0) as client:
        job = client.post("/v2/style-transfer", json=EXAMPLE, headers={"x-mock-job": policy}).json()
        assert [client.get(job["status_url"]).json()["status"] for _ in states] == states


def test_a_job_takes_the_seconds_of_its_policy(clock: Clock) -> None:
    with client_of(now=clock, job_policy="seconds=10") as client:
        job = client.post("/v2/style-transfer", json=EXAMPLE).json()
        assert client.get(job["status_url"]).json()["status"] == "QUEUED"
        clock.now += 9.9
        assert client.get(job["status_url"]).json()["status"] == "PROCESSING"
        clock.now += 0.1
        assert client.get(job["status_url"]).json()["status"] == "COMPLETED"


def test_a_held_job_is_released() -> None:
    with Mock() as mock, httpx.Client(base_url=mock.url, headers={"x-api-key": mock.key}) as client:
        mock.job_policy("held")
        job = client.post("/v2/style-transfer", json=EXAMPLE).json()
        mock.clock.advance(3000)
        assert client.get(job["status_url"]).json()["status"] == "QUEUED"
        mock.release()
        assert client.get(job["status_url"]).json()["status"] == "COMPLETED"


# Limits


def test_a_rate_limit_is_kept_by_tenant_and_minute(clock: Clock) -> None:
    with client_of(now=clock, rate_limit=3) as client:
        other = {"x-api-key": "SG_ffffffffffffffff"}
        codes = [client.get("/v1/get-user-credits").status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]
        refused = client.get("/v1/get-user-credits")
        assert refused.headers["x-rate-limit-reset-at-utc"] == "1970-01-12T13:47:00Z"
        assert client.get("/v1/get-user-credits", headers=other).status_code == 200
        clock.now += 60
        assert client.get("/v1/get-user-credits").status_code == 200
