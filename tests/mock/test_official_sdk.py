"""Every public function of the official SDK works unchanged against a mock that stands for Segmind's hosts.

The tests redirect the hosts by name, as a line of /etc/hosts would. Nothing in the SDK is changed.
"""

import importlib
import inspect
import pkgutil
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Final

import httpx
import pytest
import segmind
from segmind import SegmindClient
from segmind.chat import ChatResponse
from segmind.exceptions import SegmindError

from segforge.spec.catalog import CHAT_SHAPES
from segforge_mock.http.tls import GATEWAY_HOSTS
from tests.mock.conftest import KEY
from tests.seeds import seed_catalog, whole_catalog
from tests.shared import started

SLUG: Final = "style-transfer"
EXAMPLE: Final = seed_catalog().model(SLUG).valid_example
CHATS: Final = ("gpt-5.5", "claude-4.5-sonnet", "gemini-2.5-flash")
"""A model of each shape. The first has no spec; its shape is that of its modality."""
MESSAGES: Final = [{"role": "user", "content": "Say hi"}]
DOCS: Final = (Path(__file__).parents[2] / "docs" / "mock.md").read_text("utf-8")


def modules() -> list[Any]:
    names = [name for _, name, _ in pkgutil.iter_modules(segmind.__path__)]
    return [segmind, *(importlib.import_module(f"segmind.{name}") for name in names)]


def public() -> dict[str, CodeType]:
    """Returns the code of all public functions, methods and properties that the SDK defines, by name."""
    found: dict[str, CodeType] = {}

    def add(name: str, thing: object) -> None:
        function = thing.fget if isinstance(thing, property) else inspect.unwrap(thing)  # type: ignore[arg-type]
        if isinstance(function, FunctionType):
            found[name] = function.__code__

    for module in modules():
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", None) != module.__name__:
                continue
            if inspect.isclass(thing):
                for member, value in vars(thing).items():
                    if not member.startswith("_"):
                        add(f"{module.__name__}.{name}.{member}", value)
            elif not name.startswith("_"):
                add(f"{module.__name__}.{name}", thing)
    return found


Case = Callable[["Redirected"], None]
CASES: Final[dict[str, Case]] = {}
"""The test of each public function."""


def case(*names: str) -> Callable[[Case], Case]:
    """Registers the test of these functions. It must call each of them."""

    def register(test: Case) -> Case:
        for name in names:
            assert name not in CASES
            CASES[name] = test
        return test

    return register


class Redirected:
    """The SDK's client, and the mock's own URL, behind the hosts that the SDK names."""

    def __init__(self, port: int, certificate: Path, folder: Path) -> None:
        self.client = SegmindClient()
        self.folder = folder
        context = ssl.create_default_context(cafile=str(certificate))
        self.mock = httpx.Client(base_url=f"https://localhost:{port}", headers={"x-api-key": KEY}, verify=context)

    def file(self, name: str = "image.png") -> Path:
        path = self.folder / name
        path.write_bytes(b"content of " + name.encode())
        return path

    def job_policy(self, policy: str) -> None:
        self.mock.post("/_mock/jobs/policy", json={"policy": policy}).raise_for_status()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    authority = tmp_path_factory.mktemp("sdk") / "ca.pem"
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0", "--tls", str(authority)]
    command += ["--job-policy", "instant", "--time-scale", "0", "--media", "tiny"]
    with started(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        [port] = re.findall(r":([0-9]+)", process.stdout.readline())
        yield int(port), authority
        process.terminate()
        assert process.wait(10) == 0


@pytest.fixture
def redirected(served: tuple[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redirected]:
    port, authority = served
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, asked: Any, *more: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name in GATEWAY_HOSTS:
            return resolve("127.0.0.1", port, *more, **options)
        return resolve(host, asked, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    monkeypatch.setenv("SEGMIND_API_KEY", KEY)
    monkeypatch.setattr(segmind, "_default_client", None)
    here = Redirected(port, authority, tmp_path)
    try:
        yield here
    finally:
        here.mock.post("/_mock/reset")
        here.mock.close()
        for client in (here.client, segmind._get_client()):
            client._client.close()


@case(
    "segmind.run", "segmind.client.SegmindClient.run", "segmind.v2.run", "segmind.v2.submit", "segmind.v2.AsyncJob.wait"
)
def run(here: Redirected) -> None:
    for result in (segmind.run(SLUG, **EXAMPLE), here.client.run(SLUG, **EXAMPLE)):
        assert result["status"] == "COMPLETED"
        assert result["output"].startswith("https://images.segmind.com/generations/")
        assert httpx.get(result["output"]).headers["content-type"].startswith("image/")


@case("segmind.run_sync", "segmind.client.SegmindClient.run_sync", "segmind.exceptions.raise_for_status")
def run_sync(here: Redirected) -> None:
    for response in (segmind.run_sync(SLUG, **EXAMPLE), here.client.run_sync(SLUG, **EXAMPLE)):
        assert response.headers["content-type"].startswith("image/")


@case(
    "segmind.submit_async",
    "segmind.client.SegmindClient.submit_async",
    "segmind.v2.AsyncJob.status",
    "segmind.v2.AsyncJob.result",
)
def submit_async(here: Redirected) -> None:
    here.job_policy("polls=2")
    job, other = segmind.submit_async(SLUG, **EXAMPLE), here.client.submit_async(SLUG, **EXAMPLE)
    assert job.request_id != other.request_id
    assert job.status_url == f"https://api.segmind.com/v2/requests/{job.request_id}/status"
    assert [job.status()["status"] for _ in range(2)] == ["QUEUED", "COMPLETED"]
    assert job.result()["output"]


@case("segmind.exceptions.SegmindError.from_response", "segmind.exceptions.SegmindError.to_dict")
def errors(here: Redirected) -> None:
    with pytest.raises(SegmindError) as caught:
        here.client.run("no-such-model")
    assert caught.value.to_dict() == {"status": 404, "detail": "Model no-such-model not found"}


@case("segmind.chat", "segmind.chat.chat", "segmind.client.SegmindClient.chat")
def chat(here: Redirected) -> None:
    for slug in CHATS:
        for reply in (segmind.chat(slug, messages=MESSAGES), here.client.chat(slug, messages=MESSAGES)):
            assert "Say hi" in reply.text
    assert "a haiku" in segmind.chat(CHATS[0], prompt="Write a haiku").text


def test_every_chat_model_takes_a_prompt_in_place_of_messages(redirected: Redirected) -> None:
    models = [model for model in whole_catalog().models if model.returns.shape in CHAT_SHAPES]
    assert len(models) > 20
    for model in models:
        reply = redirected.client.chat_sync(model.slug, prompt="Write a haiku")
        assert "a haiku" in reply.text, model.slug
    with pytest.raises(SegmindError, match=r"messages.*required\.missing"):
        redirected.client.run_sync("claude-4-sonnet", instruction="Be brief")


def test_the_sample_of_chats_runs_unchanged(redirected: Redirected, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample of the SDK's own README, as its distribution prints it."""
    readme = distribution("segmind").read_text("METADATA")
    assert readme is not None
    [sample] = re.findall(r"### LLM Chat\n+```python\n(.*?)```", readme, re.DOTALL)
    redirected.file("cat.png")
    monkeypatch.chdir(redirected.folder)
    names: dict[str, Any] = {}
    exec(compile(sample, "README", "exec"), names)
    assert names["person"].keys() == {"name", "age"}
    assert isinstance(names["person"]["age"], int)


@case("segmind.chat_sync", "segmind.chat.chat_sync", "segmind.client.SegmindClient.chat_sync")
def chat_sync(here: Redirected) -> None:
    for slug in CHATS:
        for reply in (segmind.chat_sync(slug, messages=MESSAGES), here.client.chat_sync(slug, messages=MESSAGES)):
            assert "Say hi" in reply.text
    assert "a haiku" in segmind.chat_sync(CHATS[0], prompt="Write a haiku").text


@case(
    "segmind.submit_chat",
    "segmind.chat.submit_chat",
    "segmind.client.SegmindClient.submit_chat",
    *(f"segmind.chat.AsyncChatJob.{name}" for name in ("request_id", "result", "status", "wait")),
)
def submit_chat(here: Redirected) -> None:
    for job in (segmind.submit_chat(CHATS[0], prompt="Hi"), here.client.submit_chat(CHATS[0], prompt="Hi")):
        assert job.status()["request_id"] == job.request_id
        assert job.wait().text == job.result().text


@case(*(f"segmind.chat.ChatResponse.{name}" for name in ("finish_reason", "json", "text", "tool_calls", "usage")))
def chat_response(here: Redirected) -> None:
    for slug, finish in zip(CHATS, ("stop", "end_turn", "STOP"), strict=True):
        reply = here.client.chat_sync(slug, messages=MESSAGES)
        assert isinstance(reply, ChatResponse)
        assert reply.usage
        assert (reply.finish_reason, reply.tool_calls) == (finish, [])
        with pytest.raises(SegmindError, match="not valid JSON"):  # the mock's answer is a sentence
            reply.json()


@case("segmind.chat.image_url")
def image_url(here: Redirected) -> None:
    part = segmind.image_url(str(here.file()))
    assert here.client.chat_sync(CHATS[0], messages=[{"role": "user", "content": [part]}]).text


@case("segmind.client.SegmindClient.stream")
def stream(here: Redirected) -> None:
    with pytest.raises(NotImplementedError):
        here.client.stream(SLUG)


@case("segmind._Files.upload", "segmind.files.Files.upload", "segmind.client.SegmindClient.files")
def files(here: Redirected) -> None:
    one, two = here.file(), here.file("film.mp4")
    answer = segmind.files.upload([one, two])
    assert answer["message"] == "Files uploaded successfully"
    for url, path in zip(answer["file_urls"], (one, two), strict=True):
        assert url.startswith("https://images.segmind.com/assets/")
        assert httpx.get(url).content == path.read_bytes()
    assert here.client.files.upload(one)["file_urls"] == answer["file_urls"][:1]
    with pytest.raises(SegmindError, match=r"svg\+xml"):
        segmind.files.upload(here.file("drawing.svg"))


FLOW: Final = "6839bf53659263e69c7a567a-v1"


@case(
    "segmind._PixelFlows.run",
    "segmind.pixelflows.PixelFlows.run",
    "segmind.client.SegmindClient.pixelflows",
)
def flows_run(here: Redirected) -> None:
    address = f"https://api.segmind.com/workflows/v2/{SLUG}"
    for result in (
        segmind.pixelflows.run(workflow_id=FLOW, data={"Text_Prompt": "I am happy"}, poll=True),
        here.client.pixelflows.run(workflow_url=address),
    ):
        assert result["status"] == "COMPLETED"
        [output] = result["output"]
        assert (output["keyname"], output["value"]["type"]) == ("output", "image")
        assert httpx.get(output["value"]["data"]).headers["content-type"].startswith("image/")


@case(
    "segmind._PixelFlows.get_status",
    "segmind._PixelFlows.poll",
    "segmind.pixelflows.PixelFlows.get_status",
    "segmind.pixelflows.PixelFlows.poll",
)
def flows_poll(here: Redirected) -> None:
    here.job_policy("polls=3")
    queued = segmind.pixelflows.run(workflow_id=FLOW, poll=False)
    assert queued.keys() == {"message", "poll_url", "request_id", "status"}
    name = queued["request_id"]
    assert segmind.pixelflows.get_status(poll_url=queued["poll_url"]) == queued
    assert here.client.pixelflows.get_status(poll_id=name) == {"output": "", "status": "PROCESSING"}
    for poll in (segmind.pixelflows.poll, here.client.pixelflows.poll):
        assert poll(poll_id=name, poll_interval=0)["output"][0]["keyname"] == "output"


@case(
    *(f"segmind._Webhooks.{name}" for name in ("add", "delete", "get", "logs", "update")),
    *(f"segmind.webhooks.Webhooks.{name}" for name in ("add", "delete", "get", "logs", "update")),
    "segmind.client.SegmindClient.webhooks",
)
def webhooks(here: Redirected) -> None:
    for api in (segmind.webhooks, here.client.webhooks):
        added = api.add("https://your-endpoint.com", ["PIXELFLOW"])
        assert added["event"] == {"types": ["PIXELFLOW"]}
        assert api.get()["data"] == [added]
        changed = api.update(added["webhook_id"], "https://newurl.com/x", ["GRAPH_RUN"])
        assert changed == {**added, "webhook_url": "https://newurl.com/x", "event": {"types": ["GRAPH_RUN"]}}
        assert api.logs(added["webhook_id"]) == {"data": []}
        assert api.delete(added["webhook_id"]) == changed
        assert api.get() == {"data": []}
        with pytest.raises(SegmindError, match="404"):
            api.delete(added["webhook_id"])


@case("segmind._Models.list", "segmind.models.Models.list", "segmind.client.SegmindClient.models")
def models(here: Redirected) -> None:
    for answer in (segmind.models.list(), here.client.models.list()):
        [(key, rows)] = answer.items()
        assert key == "Inference Segmind Model Information List With Details"
        found = {row["slug"]: row for row in rows}
        assert found[SLUG] == {
            "slug": SLUG,
            "title": seed_catalog().model(SLUG).title,
            "description": seed_catalog().model(SLUG).description,
        }
        assert CHATS[0] in found


@case("segmind.accounts.Accounts.current", "segmind.client.SegmindClient.accounts")
def accounts(here: Redirected) -> None:
    assert here.client.accounts.current() == {"authenticated": True}
    here.client._client.headers["x-api-key"] = "invalid"
    with pytest.raises(SegmindError, match="401"):
        here.client.accounts.current()


@case(
    *(f"segmind._Generations.{name}" for name in ("list", "recent")),
    *(f"segmind.generations.Generations.{name}" for name in ("list", "recent")),
    "segmind.client.SegmindClient.generations",
)
def generations(here: Redirected) -> None:
    made = [segmind.run(SLUG, **EXAMPLE | {"seed": seed})["output"] for seed in range(25)]
    for api in (segmind.generations, here.client.generations):
        rows = api.list()["data"]
        assert [row["generation_url"] for row in rows] == made[:-21:-1]
        assert [row["generation_url"] for row in api.list(page=2, model_name=SLUG)["data"]] == made[4::-1]
        assert api.recent(SLUG)["data"] == rows
        assert api.recent("flux-img2img") == api.list(end_date="2020-01-01") == {"data": []}
        assert (rows[0]["model_name"], rows[0]["parameters"]["seed"]) == (SLUG, 24)


@case(
    *(f"segmind._Generations.{name}" for name in ("get", "history")),
    *(f"segmind.generations.Generations.{name}" for name in ("get", "history")),
)
def history(here: Redirected) -> None:
    done = segmind.submit_async(SLUG, **EXAMPLE)
    here.mock.post("/_mock/rules", json={"scenario": "job-blocked", "times": 1})
    failed = segmind.submit_async(SLUG, **EXAMPLE)
    here.job_policy("held")
    waiting = segmind.submit_async(SLUG, **EXAMPLE)
    for api in (segmind.generations, here.client.generations):
        rows = api.history()["data"]
        assert [row["request_id"] for row in rows] == [job.request_id for job in (waiting, failed, done)]
        assert [row["model_status"] for row in rows] == ["PENDING", "FAILED", "COMPLETED"]
        assert rows[1]["error"]
        assert rows[2]["generation_url"] == done.result()["output"]
        assert rows[2]["credits_deduction"] == done.result()["metrics"]["cost"]
        assert api.history(status="FAILED", per_page=1)["data"] == rows[1:2]
        assert api.history(sort_order="asc", sort_by="model_created")["data"] == rows[::-1]
        assert api.history(model_name="other") == api.history(page=2) == {"data": []}
        assert api.get(done.request_id) == rows[2]
        with pytest.raises(SegmindError, match="404"):
            api.get("unknown/../id")
        with pytest.raises(SegmindError, match="per_page"):
            api.history(per_page=101)


@case(
    *(
        f"segmind.finetune.Finetune.{name}"
        for name in ("access_update", "details", "file_download", "list", "submit", "upload_presigned_url")
    ),
    "segmind.client.SegmindClient.finetune",
)
def finetune(here: Redirected) -> None:
    api = here.client.finetune
    data = api.upload_presigned_url("dataset.zip")
    assert httpx.put(data["presigned_url"], content=b"PK").status_code == 200
    assert httpx.get(data["s3_url"]).content == b"PK"
    assert httpx.put(data["presigned_url"], content=b"again").status_code == 405
    fields = ("instance_prompt", "trigger_word", "base_model", "train_type", "machine_type")
    started = api.submit("my model", data["s3_url"], **dict.fromkeys(fields, "x"), advance_parameters={"steps": 2000})
    assert (started["status"], started["name"]) == ("REQUESTED", "my model")
    name = started["finetune_id"]
    training = api.details(name)["finetune"]
    assert (training["status"], training["public_model"]) == ("AVAILABLE", False)
    assert api.list() == [training]
    assert api.access_update(name, True) == {"status": 200}
    assert api.details(name)["finetune"]["public_model"] is True
    assert httpx.get(api.file_download(training["cloud_storage_url"])).content == b"\2" + bytes(7) + b"{}"
    for call in (api.details, api.file_download):
        with pytest.raises(SegmindError, match="404"):
            call("unknown")


def test_every_public_function_has_a_test_or_a_line_in_the_docs() -> None:
    assert set(public()) == set(CASES)
    assert "`stream`" in DOCS


@pytest.mark.parametrize("test", dict.fromkeys(CASES.values()), ids=lambda test: test.__name__)
def test_the_official_sdk_works(test: Case, redirected: Redirected) -> None:
    """Each test calls all functions that it is registered for."""
    called: set[CodeType] = set()

    def note(frame: Any, event: str, _argument: Any) -> None:
        if event == "call":
            called.add(frame.f_code)

    sys.setprofile(note)
    try:
        test(redirected)
    finally:
        sys.setprofile(None)
    known = public()
    assert {name for name, of in CASES.items() if of is test and known[name] not in called} == set()


def test_every_host_of_the_official_sdk_is_certified() -> None:
    sources = Path(segmind.__file__).parent.glob("*.py")
    named = {host for source in sources for host in re.findall(r"https://([a-z.-]+\.segmind\.com)", source.read_text())}
    assert "api.spotprod.segmind.com" in named
    assert named - {"docs.segmind.com"} <= set(GATEWAY_HOSTS)
