"""The provider for the AI SDK of Vercel works with the real SDK, and fits its types."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.typescript.conftest import COMMITTED, TOOLS, node
from tests.typescript.test_behaviour import run_tests
from tests.typescript.test_types import compiled

USES = """\
import { createProviderRegistry, experimental_generateVideo, generateImage } from "ai";
import type { Experimental_VideoModelV4, ImageModelV4, ProviderV4 } from "@ai-sdk/provider";
import { Segmind } from "segmind-client";
import { createSegmind } from "segmind-client/ai";

const segmind = createSegmind({ maxCost: 1 });
const provider: ProviderV4 = createSegmind(new Segmind());
const image: ImageModelV4 = segmind.imageModel("flux-schnell");
const video: Experimental_VideoModelV4 = segmind.videoModel("seedance-pro");
const made = await generateImage({ model: segmind.image("flux-schnell"), prompt: "A cat", seed: 1 });
const film = await experimental_generateVideo({ model: segmind.video("seedance-pro"), prompt: "A cat", duration: 5 });
const bytes: Uint8Array[] = [made.image.uint8Array, film.video.uint8Array];
void [createProviderRegistry({ segmind, provider }), image, video, bytes];
segmind.image(5);
createSegmind({ key: "x" });
"""


@pytest.fixture(scope="module")
def with_sdk(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that depends on the package and on the SDK."""
    folder = tmp_path_factory.mktemp("ai")
    shutil.copy(project / "package.json", folder)
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "segmind-client").symlink_to(project / "node_modules" / "segmind-client")
    for name in ("ai", "@ai-sdk", "@types", "undici-types"):
        (folder / "node_modules" / name).symlink_to(TOOLS / name)
    return folder


def test_the_sdk_makes_images_and_videos_with_the_provider(with_sdk: Path, mock_url: str) -> None:
    assert run_tests("node", "ai.test.mjs", with_sdk, MOCK_URL=mock_url) >= 16


def test_the_provider_fits_the_types_of_the_sdk(with_sdk: Path) -> None:
    shutil.copy(Path(__file__).with_name("compiler.mjs"), with_sdk)
    (with_sdk / "uses.ts").write_text(USES, "utf-8")
    answer = compiled(with_sdk, ["uses.ts"], lib=["ES2022", "DOM", "DOM.Iterable"], types=["node"], skipLibCheck=True)
    lines = USES.count("\n")
    assert [(each["file"], each["line"]) for each in answer["found"]] == [("uses.ts", lines - 1), ("uses.ts", lines)]


def test_the_sample_of_the_readme_runs_with_the_version_that_it_names(with_sdk: Path, mock_url: str) -> None:
    text = (COMMITTED / "README.md").read_text("utf-8")
    version = json.loads((TOOLS / "ai" / "package.json").read_text("utf-8"))["version"]
    assert f"`ai` {version.partition('.')[0]}," in text
    [sample] = re.findall(r"^```js\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (with_sdk / "readme.mjs").write_text(
        f'const [imageSlug, videoSlug] = ["flux-schnell", "hailuo-02-fast"];\n{sample}'
    )
    run = node("readme.mjs", cwd=with_sdk, SEGMIND_API_KEY="SG_0123456789abcdef", SEGMIND_BASE_URL=mock_url)
    assert run.returncode == 0, run.stderr
    assert re.fullmatch(r"image/\w+ video/\w+", run.stdout.strip())
