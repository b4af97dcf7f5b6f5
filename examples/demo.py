"""Calls a model of each medium on the mock, v1 and v2, with the generated client and the official SDK.

The outputs go to out/.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import segmind as official_sdk
from rich.console import Console
from rich.table import Table

import segmind_client
from segforge import default_specs, load_catalog
from segforge.spec.catalog import Model
from segforge.spec.values import violations

KEY = "SG_0123456789abcdef"
OUT = Path("out")


@contextmanager
def mock() -> Iterator[str]:
    """Starts `segforge mock` on a free port, yields its URL and stops it at the end."""
    command = [sys.executable, "-m", "segforge.cli", "mock", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            found = re.search(r"http://\S+", line)
            if found is None:
                raise RuntimeError(f"the mock did not start: {line!r}")
            yield found[0]
        finally:
            process.terminate()


def save(name: str, data: bytes, media_type: str) -> str:
    """Saves an output under out/ with the extension of its media type. Returns the path."""
    ending = media_type.partition("/")[2].partition(";")[0]
    path = OUT / f"{name}.{ending}"
    path.write_bytes(data)
    return str(path)


def v1_ours(client: segmind_client.Segmind, model: Model) -> str:
    """Runs a model on v1 with the generated client."""
    result = client.run_sync(model.slug, **model.valid_example)
    return save(f"{model.slug}-v1-client", result.content, result.content_type)


def v2_ours(client: segmind_client.Segmind, model: Model) -> str:
    """Runs a model on v2 with the generated client."""
    result = client.submit_async(model.slug, **model.valid_example).wait(interval=0.05)
    return save_output(f"{model.slug}-v2-client", result)


def v1_official(client: Any, model: Model) -> str:
    """Runs a model on v1 with the official SDK."""
    response = client.run_sync(model.slug, **model.valid_example)
    return save(f"{model.slug}-v1-sdk", response.content, response.headers["content-type"])


def v2_official(client: Any, model: Model) -> str:
    """Runs a model on v2 with the official SDK."""
    result = client.submit_async(model.slug, **model.valid_example).wait(interval=0.05)
    return save_output(f"{model.slug}-v2-sdk", result)


def save_output(name: str, result: dict[str, Any]) -> str:
    """Saves the output of a v2 result: a file, downloaded without the key, or a document."""
    output = result["output"]
    if not str(output).startswith("http"):
        return save(name, str(output).encode(), "application/json")
    file = httpx.get(output)
    file.raise_for_status()
    return save(name, file.content, file.headers["content-type"])


def is_shown(model: Model) -> bool:
    """Returns whether a model is complete, has both versions and a sample that the mock accepts."""
    return (
        model.level == "complete" and len(model.versions) == 2 and not violations(model.parameters, model.valid_example)
    )


def main() -> int:
    """Runs the demo. Returns 0 if every call and the contract campaign succeed."""
    console = Console() if sys.stdout.isatty() else Console(width=120)
    OUT.mkdir(exist_ok=True)
    table = Table("model", "API", "SDK", "seconds", "output")
    with mock() as url:
        ours = segmind_client.Segmind(api_key=KEY, base_url=url)
        theirs = official_sdk.SegmindClient(api_key=KEY, base_url=f"{url}/v1")
        calls: list[tuple[str, str, Any, Callable[[Any, Model], str]]] = [
            ("v1", "segmind-client", ours, v1_ours),
            ("v2", "segmind-client", ours, v2_ours),
            ("v1", "segmind", theirs, v1_official),
            ("v2", "segmind", theirs, v2_official),
        ]
        models = {model.returns.media: model for model in load_catalog(default_specs()).models if is_shown(model)}
        for model in models.values():
            for version, sdk, client, call in calls:
                start = time.perf_counter()
                path = call(client, model)
                table.add_row(model.slug, version, sdk, f"{time.perf_counter() - start:.2f}", path)
        slugs = [model.slug for model in models.values()]
        options = ["--target", url, "--max-examples", "5", "--models", *slugs]
        contract = [sys.executable, "-m", "segforge.cli", "contract", *options]
        code = subprocess.run(contract, env={"SEGMIND_API_KEY": KEY}, check=False).returncode
    table.add_section()
    table.add_row(
        "all", "v1, v2", "contract campaign", "", "all rules held" if code == 0 else "rules broken, see above"
    )
    console.print(table)
    return code


if __name__ == "__main__":
    sys.exit(main())
