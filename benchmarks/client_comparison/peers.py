"""Generates each client from our OpenAPI document and wraps each in the same few methods.

A client is imported only when its `Peer` is created, in a process that can import it.
"""

import importlib
import json
import re
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from tests.seeds import SEEDS

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = "segmind.json"
"""The name of the document in the folder of each client."""

Params = Mapping[str, Any]
Messages = Sequence[Mapping[str, str]]

_CLASSES: Final = {"flux-img2img": "FluxImg2img", "style-transfer": "StyleTransfer"}


def write_document(folder: Path) -> None:
    """Writes the part of our OpenAPI document on the five seeds, jobs and the balance. The whole takes minutes."""
    whole = json.loads((ROOT / "generated" / "openapi" / "segmind.json").read_text("utf-8"))
    ends = tuple(f"/{name}" for name in (*SEEDS, "get-user-credits"))
    paths = {path: item for path, item in whole["paths"].items() if "/requests/" in path or path.endswith(ends)}
    components: dict[str, dict[str, Any]] = {"securitySchemes": whole["components"]["securitySchemes"]}
    wanted = _references(paths)
    while wanted:
        kind, name = wanted.pop().removeprefix("#/components/").split("/", 1)
        if name not in components.setdefault(kind, {}):
            components[kind][name] = whole["components"][kind][name]
            wanted |= _references(components[kind][name])
    (folder / DOCUMENT).write_text(json.dumps({**whole, "paths": paths, "components": components}), "utf-8")


def _references(value: object) -> set[str]:
    return set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(value)))


class Peer(Protocol):
    """A client with the methods that the checks use. Their errors are part of the comparison."""

    client: object

    def run(self, slug: str, params: Params) -> object:
        """Makes a v1 call."""

    def content(self, result: Any) -> bytes:
        """Returns the image of a v1 call."""

    def submit(self, slug: str, params: Params) -> str:
        """Makes a v2 call and returns the job's id."""

    def state(self, request_id: str) -> object:
        """Polls a job's state."""

    def result(self, request_id: str) -> object:
        """Requests a job's result."""

    def text(self, answer: Any) -> str:
        """Returns all facts of an answer as text."""

    # A method of these raises NotImplementedError if the client has no such function.

    def wait(self, slug: str, params: Params) -> object:
        """Submits a job and waits for its result in one call."""

    def upload(self, content: bytes) -> str:
        """Uploads a file and returns its URL."""

    def estimate(self, slug: str, params: Params) -> float:
        """Returns the most credits that a call may cost."""

    def limited(self, slug: str, params: Params, credits: float) -> object:
        """Makes a v1 call, unless it may cost more than these credits."""

    def batch(self, slug: str, calls: Sequence[Params], journal: Path) -> Sequence[object]:
        """Returns the results of jobs, some of which an earlier process may have submitted with the same journal."""

    def chat(self, slug: str, messages: Messages) -> str:
        """Returns the text of the answer to messages in the form of OpenAI, whatever the model."""


class Ours:
    """segmind-client."""

    def __init__(self, url: str, key: str) -> None:
        self.client = importlib.import_module("segmind_client").Segmind(key, url, validate=True)

    def run(self, slug: str, params: Params) -> object:
        return self.client.run_sync(slug, **params)

    def content(self, result: Any) -> bytes:
        return bytes(result.content)

    def submit(self, slug: str, params: Params) -> str:
        return str(self.client.submit_async(slug, **params).request_id)

    def state(self, request_id: str) -> object:
        return self.client.jobs.resume(request_id).status()

    def result(self, request_id: str) -> object:
        return self.client.jobs.resume(request_id).result()

    def text(self, answer: Any) -> str:
        return str(answer)

    def wait(self, slug: str, params: Params) -> object:
        return self.client.run(slug, **params)

    def upload(self, content: bytes) -> str:
        return str(self.client.files.upload(content))

    def estimate(self, slug: str, params: Params) -> float:
        return float(self.client.estimate(slug, **params).credits_high)

    def limited(self, slug: str, params: Params, credits: float) -> object:
        return self.client.with_options(max_cost=credits).run_sync(slug, **params)

    def batch(self, slug: str, calls: Sequence[Params], journal: Path) -> Sequence[object]:
        submit = getattr(self.client, slug.replace("-", "_")).submit
        results: Sequence[object] = self.client.gather(
            [partial(submit, **call) for call in calls], journal=journal
        ).results
        return results

    def chat(self, slug: str, messages: Messages) -> str:
        return str(self.client.chat_sync(slug, messages).text)


class Generated(ABC):
    """The common part of most generated clients: one function for each request, and none that does more."""

    def run(self, slug: str, params: Params) -> object:
        return self._call(slug, "run", params)

    def content(self, result: Any) -> bytes:
        return bytes(result)

    def submit(self, slug: str, params: Params) -> str:
        return str(self._call(slug, "submit", params).request_id)

    def text(self, answer: Any) -> str:
        return str(answer.to_dict())

    def wait(self, slug: str, params: Params) -> object:
        raise NotImplementedError

    def upload(self, content: bytes) -> str:
        raise NotImplementedError

    def estimate(self, slug: str, params: Params) -> float:
        raise NotImplementedError

    def limited(self, slug: str, params: Params, credits: float) -> object:
        raise NotImplementedError

    def batch(self, slug: str, calls: Sequence[Params], journal: Path) -> Sequence[object]:
        raise NotImplementedError

    def chat(self, slug: str, messages: Messages) -> str:
        raise NotImplementedError

    @abstractmethod
    def _call(self, slug: str, verb: str, params: Params) -> Any:
        """Makes a call of a model. The verb is run or submit."""


class OpenapiPythonClient(Generated):
    """The output of openapi-python-client: functions that take a client and an attrs body."""

    def __init__(self, url: str, key: str) -> None:
        package = importlib.import_module("opc")
        self.client = package.AuthenticatedClient(base_url=url, token=key, prefix="", auth_header_name="x-api-key")

    def content(self, result: Any) -> bytes:
        return bytes(result.payload.read())

    def state(self, request_id: str) -> object:
        return self._job("get_job_status", request_id)

    def result(self, request_id: str) -> object:
        return self._job("get_job_result", request_id)

    def _call(self, slug: str, verb: str, params: Params) -> Any:
        name = slug.replace("-", "_").replace("img2img", "img_2_img")
        module = importlib.import_module(f"opc.api.{slug.replace('-', '_')}.{verb}_{name}")
        kind = _CLASSES[slug].replace("Img2img", "Img2Img")
        body = getattr(importlib.import_module("opc.models"), f"{kind}Request").from_dict(params)
        return module.sync(client=self.client, body=body)

    def _job(self, name: str, request_id: str) -> Any:
        module = importlib.import_module(f"opc.api.jobs.{name}")
        return module.sync(client=self.client, request_id=request_id)


class DatamodelCodeGenerator(Generated):
    """The output of datamodel-code-generator: resources on a client, and pydantic bodies."""

    def __init__(self, url: str, key: str) -> None:
        self.client = importlib.import_module("client").Client(base_url=url, api_key=key)

    def state(self, request_id: str) -> object:
        return self.client.jobs.get_job_status(request_id=request_id)

    def result(self, request_id: str) -> object:
        return self.client.jobs.get_job_result(request_id=request_id)

    def text(self, answer: Any) -> str:
        return str(answer.model_dump())

    def _call(self, slug: str, verb: str, params: Params) -> Any:
        name = slug.replace("-", "_")
        body = getattr(importlib.import_module("models"), f"{_CLASSES[slug]}Request")(**params)
        return getattr(getattr(self.client, name), f"{verb}_{name}")(body=body)


class OpenapiGenerator(Generated):
    """The output of OpenAPI Generator for `python`: a class of calls for each tag, pydantic bodies, urllib3."""

    def __init__(self, url: str, key: str) -> None:
        self._package = importlib.import_module("oag_client")
        self.client = self._package.Configuration(host=url, api_key={"apiKey": key})
        self._calls = self._package.ApiClient(self.client)

    def state(self, request_id: str) -> object:
        return self._package.JobsApi(self._calls).get_job_status(request_id)

    def result(self, request_id: str) -> object:
        return self._package.JobsApi(self._calls).get_job_result(request_id)

    def _call(self, slug: str, verb: str, params: Params) -> Any:
        kind = _CLASSES[slug]
        body = getattr(self._package, f"{kind}Request").from_dict(dict(params))
        return getattr(getattr(self._package, f"{kind}Api")(self._calls), f"{verb}_{slug.replace('-', '_')}")(body)


class Making(NamedTuple):
    """How a client is generated and used.

    Attributes:
        title: the title of its column.
        peer: creates the `Peer` from the gateway's address and a key.
        command: the command that generates it in an empty folder; empty for our client, which is committed.
        package: the folders of its Python code.
        use: code that prepares a call of one model.
        closed: an expression with a value outside a closed set, which a type checker should reject.
        missing: an expression without a required parameter.

    """

    title: str
    peer: Callable[[str, str], Peer]
    command: tuple[str, ...]
    package: tuple[str, ...]
    use: str
    closed: str
    missing: str


def _tool(name: str) -> str:
    """Returns the path of a command next to this interpreter."""
    return shutil.which(name, path=str(Path(sys.executable).parent)) or name


_FIT: Final = "denoise=0.5, image='https://host.test/a.png', prompt='a', sampler_name='euler', steps=20"

MAKINGS: Final = {
    "ours": Making(
        "segmind-client",
        Ours,
        (),
        ("segmind_client",),
        "from segmind_client import Segmind; call = Segmind('SG_0123456789abcdef').flux_img2img.run",
        f"call({_FIT}, scheduler='no such')",
        f"call({_FIT})",
    ),
    "opc": Making(
        "openapi-python-client",
        OpenapiPythonClient,
        (
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--output-path", "opc"),
            *("--path", DOCUMENT, "--config", str(ROOT / "tests" / "interop" / "openapi_python_client.yaml")),
        ),
        ("opc",),
        "from opc import AuthenticatedClient; from opc.models import FluxImg2ImgRequest as call; "
        "from opc.api.flux_img2img import run_flux_img_2_img; AuthenticatedClient(base_url='http://h', token='k')",
        f"call({_FIT}, scheduler='no such')",
        f"call({_FIT})",
    ),
    "dcg": Making(
        "datamodel-code-generator",
        DatamodelCodeGenerator,
        (
            *(_tool("datamodel-codegen"), "--input", DOCUMENT, "--input-file-type", "openapi"),
            *("--output", "models.py", "--output-model-type", "pydantic_v2.BaseModel", "--generate-client", "httpx2"),
            *("--client-output", "client", "--client-package", "client", "--client-model-package", "models"),
            *("--target-python-version", "3.11"),
        ),
        ("client", "models.py"),
        "from client import Client; from models import FluxImg2imgRequest as call; "
        "Client(base_url='http://h', api_key='k').flux_img2img.run_flux_img2img",
        f"call({_FIT}, scheduler='no such')",
        f"call({_FIT})",
    ),
    "oag": Making(
        "OpenAPI Generator",
        OpenapiGenerator,
        (
            *(_tool("openapi-generator-cli"), "generate", "-i", DOCUMENT, "-g", "python", "-o", "."),
            "--additional-properties=packageName=oag_client",
        ),
        ("oag_client",),
        "from oag_client import ApiClient, FluxImg2imgApi, FluxImg2imgRequest as call; FluxImg2imgApi(ApiClient())",
        f"call({_FIT}, scheduler='no such')",
        f"call({_FIT})",
    ),
}
"""The clients by short name, ours first."""
