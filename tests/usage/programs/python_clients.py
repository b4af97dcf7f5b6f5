"""Calls with the official SDK and with the generated client. A comment marks each fault that check-usage must find."""

import pytest
import segmind
import segmind_client
import segmindapi  # fault: sdk.abandoned
from segmind import SegmindClient
from segmind_client import AsyncSegmind, InvalidParameters, Segmind

SLUG = "faceswap-v55"  # fault: slug.unknown
client = SegmindClient(api_key="SG_0123456789abcdef")
segmind.run("flux-img2mg", prompt="x")  # fault: slug.misspelt
client.run(SLUG, any_name=1)
client.run_sync("flux-img2img", **{"steps": 0}, **segmindapi.more())  # fault: range.below
client.chat("gpt-4", prompt="x", no_such_parameter=1)
client.submit_async(slug="gpt-4", messages=[])
segmind.run_async("gpt-4")  # fault: sdk.removed
client.stream("gpt-4")  # fault: sdk.unsupported
client.files.upload("image.png")
client.run(segmindapi.slug(), steps=0)

with Segmind(validate=True) as ours:
    ours.with_options(timeout=3).flux_img2img.run(
        steps=20.5,  # fault: type.number_for_integer
        **segmindapi.more(),
    )
    ours.fluximg2img_.run(steps=1)  # fault: slug.misspelt
    ours.jobs.resume("0123")
    ours.credits()
    ours.flux_img2img.check(no_such_parameter=1)
    ours.run("flux-img2img", **segmindapi.more(), style=None, scheduler=["simple"])  # fault: parameter.unknown, type.array_for_string
    try:
        ours.run_sync("flux-img2img", no_such_parameter=1)
    except InvalidParameters:
        print("as expected")


async def main(other: "AsyncSegmind", unrelated: object) -> None:
    await other.style_transfer.submit(style_image=1, **segmindapi.more())  # fault: type.integer_for_string
    unrelated.flux_img2img.run(steps=0)
    with pytest.raises(InvalidParameters):
        await segmind_client.run("flux-img2img", steps=0)
