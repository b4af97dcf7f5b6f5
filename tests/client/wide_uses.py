"""Typed programs with the models of `tests.client.wide`: correct uses of each construct, and wrong ones."""

RIGHT = """\
from pathlib import Path
from typing_extensions import assert_type
from segmind_client import (
    AsyncSegmind, AudioInput, AudioResult, CaptionResult, ChatResult, EmbeddingResult, Job, JsonResult, MediaResult,
    Model3dInput, Model3dResult, Segmind, TextResult, VideoResult,
)
from segmind_client.types.clip import ClipParams, ElementsItem, PaletteCustom
from segmind_client.types.glimpse import GlimpseParams
from segmind_client.types.talk import ChatLine

client = Segmind()
aio = AsyncSegmind()
run = client.clip.run

assert_type(run(prompt="a"), VideoResult)
assert_type(run(prompt="a").save("x.mp4"), Path)
element: ElementsItem = {"tag": "a", "uri": b"...", "odd key": 1}
palette: PaletteCustom = {"members": [1, 2]}
sound: AudioInput = Path("a.mp3")
mesh: Model3dInput = b"glTF"
run(
    prompt="a", duration=4, speed=2, factor=0.5, loud=True, size="720x1280",
    images=["https://a.test/x.png", b"...", Path("a.png"), open("a.png", "rb")],
    elements=[element, {"tag": "b"}], palette=palette, photo=b"...", clip_url="https://a.test/x.mp4", sound=sound,
    mesh=mesh, settings={"a": [1, {"b": None}]}, extra_value=[1, "a"], old="a",
)
run(prompt="a", palette={"name": "warm"}, extra_value={"a": 1})
params: ClipParams = {"prompt": "a", "elements": [element]}
run(**params)
job = client.clip.submit(prompt="a")
assert_type(job, Job[VideoResult])
assert_type(job.download(), VideoResult)
jobs: list[Job] = [job, client.jobs.resume("r1")]
assert_type(jobs[0].download(), MediaResult | JsonResult)

line: ChatLine = {"role": "user", "content": "Hello"}
assert_type(client.talk.run(messages=[line, {"role": "assistant", "content": "Hi"}], last=line), ChatResult)
assert_type(client.talk.run(messages=[line]).text, str)
assert_type(client.talk.submit(messages=[line]).download().text, str)
assert_type(client.embed.run(prompt="a"), EmbeddingResult)
assert_type(client.embed.run(prompt="a").embedding, list[float])
assert_type(client.describe.run(image=b"..."), CaptionResult)
assert_type(client.describe.run(image=b"...").text, str)
assert_type(client.speech.run(prompt="a"), AudioResult)
assert_type(client.solid.run(prompt="a"), Model3dResult)
assert_type(client.words.run(prompt="a"), TextResult)
assert_type(client.words.run(prompt="a").text, str)
assert_type(client.form.run(image=b"...", masks=[b"..."], options=None), MediaResult)
client.only_form.run(image=b"...", **{'na"me': "a"})

client.glimpse.run(prompt="a", steps=1, mode="fast", anything=[1], **{"with-hyphen": "a"})
client.glimpse.run(prompt="a", mode="slow")
known: GlimpseParams = {"prompt": "a", "steps": 1}
client.glimpse.run(prompt=known["prompt"], steps=known["steps"])
assert_type(client.glimpse.submit(prompt="a"), Job[VideoResult])


async def asynchronous() -> None:
    assert_type(await aio.clip.run(prompt="a"), VideoResult)
    assert_type(await (await aio.talk.submit(messages=[line])).download(), ChatResult)
    await aio.glimpse.run(prompt="a", anything=1)
"""

HEAD = """\
from segmind_client import Segmind

client = Segmind()
"""

WRONG = (
    # a wrong type: of a parameter, an item, a nested key, a member of a union
    "client.clip.run(prompt=1)",
    'client.clip.run(prompt="a", images="https://a.test/x.png")',
    'client.clip.run(prompt="a", images=[1])',
    'client.clip.run(prompt="a", elements={"tag": "a"})',
    'client.clip.run(prompt="a", elements=[{"tag": 1}])',
    'client.clip.run(prompt="a", elements=[{"tag": "a", "odd key": "b"}])',
    'client.clip.run(prompt="a", palette={"members": ["a"]})',
    'client.clip.run(prompt="a", palette="warm")',
    'client.clip.run(prompt="a", settings=[])',
    'client.clip.run(prompt="a", extra_value=None)',
    'client.clip.run(prompt="a", sound=1)',
    # bytes where only a URL is taken
    'client.clip.run(prompt="a", clip_url=b"...")',
    # a missing and an unknown nested key
    'client.clip.run(prompt="a", elements=[{"uri": "https://a.test/x.png"}])',
    'client.clip.run(prompt="a", elements=[{"tag": "a", "tags": "b"}])',
    'client.talk.run(messages=[{"role": "user"}])',
    'client.talk.run(messages=["Hello"])',
    # a value outside a closed set of numbers, of booleans, of texts
    'client.clip.run(prompt="a", duration=5)',
    'client.clip.run(prompt="a", speed=2.5)',
    'client.clip.run(prompt="a", loud=False)',
    'client.clip.run(prompt="a", size="1x1")',
    'client.talk.run(messages=[{"role": "system", "content": "a"}])',
    # an unknown parameter of a complete model, a missing one of a partial model
    'client.clip.run(prompt="a", anything=1)',
    "client.glimpse.run(steps=1)",
    'client.glimpse.run(prompt="a", steps="b")',
    # results of another medium
    'client.clip.run(prompt="a").text',
    "client.talk.run(messages=[]).embedding",
    'client.speech.submit(prompt="a").download().text',
)
"""One wrong use a line."""


def wrong_file() -> tuple[str, set[int]]:
    """Returns a file with these uses, and the numbers of their lines."""
    first = HEAD.count("\n") + 1
    return HEAD + "\n".join(WRONG) + "\n", set(range(first, first + len(WRONG)))
