"""The samples of both clients use the medium and the versions of the model that they call."""

import ast
import re
from dataclasses import replace

import pytest

from segforge import Catalog
from segforge.emit.pipeline import emit
from segforge.spec.catalog import Version
from tests.client.wide import wide_catalog

OUTPUTS = {
    "clip": ("video.mp4", "video"),
    "speech": ("sound.mp3", "sound"),
    "solid": ("model.glb", "3D model"),
    "talk": ("answer.json", "document"),
    "words": ("answer.txt", "text"),
    "form": ("image.png", "image"),
}


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return wide_catalog(tmp_path_factory.mktemp("samples") / "specs")


def samples(catalog: Catalog) -> dict[str, str]:
    """Returns the README and the examples of both clients."""
    made = {str(artifact.path): artifact.text for artifact in emit(catalog, ["python", "typescript"])}
    return {path: text for path, text in made.items() if "/examples/" in path or path.endswith("/README.md")}


@pytest.mark.parametrize("slug", OUTPUTS)
def test_samples_save_the_medium_of_their_model(wide: Catalog, slug: str) -> None:
    file, noun = OUTPUTS[slug]
    texts = samples(replace(wide, models=(wide.model(slug),)))
    saved = {name for text in texts.values() for name in re.findall(r"save\(['\"]([^'\"]+)", text)}
    assert saved == {file, *([f"from-job-{file}"] if "v2" in wide.model(slug).versions else [])}
    for path in ("python/examples/call.py", "typescript/examples/call.mjs"):
        assert f"waits for its {noun}, and saves it" in texts[path]
        assert noun == "image" or "image" not in texts[path]


@pytest.mark.parametrize("versions", [("v1",), ("v2",), ("v1", "v2")])
def test_samples_call_only_the_versions_of_their_model(wide: Catalog, versions: tuple[Version, ...]) -> None:
    texts = samples(replace(wide, models=(replace(wide.model("clip"), versions=versions),)))
    for path in ("python/README.md", "typescript/README.md", "python/examples/call.py", "typescript/examples/call.mjs"):
        called = {"v1": ".clip.run(" in texts[path], "v2": ".clip.submit(" in texts[path]}
        wanted = versions if path.endswith(".md") else versions[:1]
        assert [version for version, is_called in called.items() if is_called] == list(wanted), path
    for path, text in texts.items():
        blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        for sample in [text] if path.endswith(".py") else blocks:
            ast.parse(sample)


def test_samples_prefer_a_model_with_both_versions(wide: Catalog) -> None:
    one, both = replace(wide.model("words"), versions=("v1",)), wide.model("clip")
    texts = samples(replace(wide, models=(both, one)))
    assert "client.clip." in texts["python/examples/call.py"]
    assert "client.clip." in texts["typescript/examples/call.mjs"]
