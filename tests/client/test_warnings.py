"""Warnings about models that the vendor's list lacks, and the nearest slugs in the error of an unknown one."""

import asyncio
import copy
import dataclasses
import importlib
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from segforge import Catalog, load_catalog
from segforge.spec.catalog import Unlisted
from segmind_client import AsyncSegmind, NotFound, Segmind, SegmindError
from tests.client.conftest import KEY, Gateway, json_answer
from tests.client.wide import write_client, write_specs
from tests.seeds import whole_catalog

NEAR: Final = ("flux-img2im", "faceswap-v6", "kling", "gpt4", "x" * 200, "zzzzzzzz")

PROGRAM: Final = """
import asyncio, httpx, warnings
from segmind_client import AsyncSegmind, ModelWarning, Segmind
answer = httpx.MockTransport(lambda _: httpx.Response(200, json={"request_id": "1"}))
client = Segmind("SG_0123456789abcdef", transport=answer)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    client.estimate("gemini-1.5-pro"), client.gemini_1_5_pro.estimate(), client.flux_img2img.submit(prompt="a")
    client.run_sync("bg-removal")
    print(len(caught))
    CALL
    again = len(caught)
    client.run_sync("gemini-1.5-pro")
    print(len(caught) == again)
    for one in caught:
        print(one.category is ModelWarning, one.filename, one.lineno, one.message)
"""


@pytest.mark.parametrize(
    "call",
    [
        'client.run_sync("gemini-1.5-pro")',
        'client.submit_async("gemini-1.5-pro")',
        'client.gemini_1_5_pro.run(messages=[{"role": "user", "content": "a"}])',
    ],
)
def test_a_call_of_an_unlisted_model_warns_once_in_the_line_of_the_call(call: str) -> None:
    code = PROGRAM.replace("CALL", call)
    line = code.splitlines().index(f"    {call}") + 1
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    none, once, warning = done.stdout.splitlines()
    read = whole_catalog().directory.read
    assert (none, once) == ("0", "True")
    assert warning.startswith(f"True <string> {line} the model gemini-1.5-pro is not in the vendor's list of {read}")


def test_as_an_error_the_warning_stops_each_call_before_it_is_sent() -> None:
    code = """
import httpx, warnings
from segmind_client import ModelWarning, Segmind
warnings.simplefilter("error", ModelWarning)
client = Segmind("SG_0123456789abcdef", transport=httpx.MockTransport(lambda _: print("sent")))
for _ in range(2):
    try:
        client.run_sync("gemini-1.5-pro")
    except ModelWarning:
        print(client.spend.calls, client.spend.unknown)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0 0\n0 0\n"


def with_retired(folder: Path) -> Catalog:
    """A catalog in which one model with a spec, and one without, are retired."""
    catalog = load_catalog(write_specs(folder))
    ended = {slug: Unlisted(slug, "retired", "Ended in 2026.", "a note") for slug in ("clip", "old")}
    return dataclasses.replace(catalog, directory=dataclasses.replace(catalog.directory, unlisted=ended))


def test_a_retired_model_warns_and_is_known_as_retired(tmp_path: Path, gateway: Gateway) -> None:
    write_client(with_retired(tmp_path / "specs"), tmp_path, "retired_client")
    sys.path.insert(0, str(tmp_path))
    package: Any = importlib.import_module("retired_client")
    gone = json_answer({"error": "This model is retired"}, 410)
    for slug in ("clip", "old"):
        gateway.on("POST", f"/v1/{slug}", gone)
    gateway.on("POST", "/v1/models/clip", gone)
    with package.Segmind(KEY, gateway.url) as client:
        for slug in ("clip", "old"):
            assert (client.models.get(slug).level, client.models.get(slug).note) == ("retired", "Ended in 2026.")
            with pytest.warns(package.ModelWarning, match=f"{slug} is retired"), pytest.raises(package.Gone):
                client.run_sync(slug)


def failed(client: Segmind, slug: str) -> SegmindError:
    with pytest.raises(NotFound) as caught:
        client.run_sync(slug)
    return caught.value


def test_the_error_of_an_unknown_slug_names_the_nearest(client: Segmind) -> None:
    error = failed(client, "flux-img2im")
    assert error.near[0] == "flux-img2img"
    assert f"did you mean {' or '.join(error.near)}?" in str(error)
    assert "did you mean" not in error.detail
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (twin.near, str(twin)) == (error.near, str(error))
    with pytest.raises(NotFound, match="did you mean flux-img2img"):
        client.submit_async("flux-img2im")


@pytest.mark.parametrize("slug", ["flux-img2img", "bg-removal", "zzzzzzzz", "x" * 200])
def test_no_slug_is_named_if_none_is_near_or_the_slug_is_known(client: Segmind, slug: str) -> None:
    error = failed(client, slug)
    assert error.near == ()
    assert "did you mean" not in str(error)


def test_the_asynchronous_client_names_the_nearest_too(gateway: Gateway) -> None:
    async def main() -> None:
        async with AsyncSegmind(KEY, gateway.url) as client:
            await client.run("flux-img2im")

    with pytest.raises(NotFound, match="did you mean flux-img2img"):
        asyncio.run(main())


def test_an_expired_job_names_no_slugs(client: Segmind) -> None:
    with pytest.raises(NotFound) as caught:
        client.jobs.resume("r1").status()
    assert caught.value.near == ()
