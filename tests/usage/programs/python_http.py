"""Calls of the gateway with requests, httpx and urllib. A comment marks each fault that check-usage must find.

The address https://api.segmind.com/v1/no-such-model in a docstring is no call.
"""

import json
import os
import urllib.request

import httpx
import requests

BASE = "https://api.segmind.com/v1"
KEY = os.environ["SEGMIND_API_KEY"]
HEADERS = {"x-api-key": KEY}
MISSPELT = "https://api.segmind.com/v1/flux_img2img"  # fault: slug.misspelt
UNKNOWN = "https://api.segmind.com/v2/never-heard-of-it"  # fault: slug.unknown
UNLISTED = f"{BASE}/superimpose"  # fault: slug.unlisted
PLACEHOLDER = "https://api.segmind.com/v1/your-model"
PREFIX = "https://api.segmind.com/v1/flux-"
CREDITS = "https://api.segmind.com/v1/get-user-credits"
POLL = "https://api.segmind.com/v2/requests/0123/status"
PIECES = PREFIX + os.environ["MODEL"]
IMAGE = "https://example.com/image.png"


def whole() -> bytes:
    data = {
        "prompt": "anime style",
        "image": IMAGE,
        "steps": 20,
        "denoise": 0.75,
        "scheduler": "simple",
        "sampler_name": "any name, since the page shows ten of 26",
    }
    return requests.post(f"{BASE}/flux-img2img", json=data, headers=HEADERS, timeout=60).content


def wrong_values() -> bytes:
    data = {
        "prompt": "anime style",
        "image": "no address",  # fault: format.uri
        "steps": 51,  # fault: range.above
        "denoise": -0.5,  # fault: range.below
        "scheduler": "no_such_scheduler",  # fault: enum.unknown
        "sampler_name": "euler",
        "seed": "12",  # fault: type.string_for_integer
        "guidance": 7,  # fault: parameter.unknown
        "base64": None,  # fault: null.not_nullable
    }
    return requests.post(f"{BASE}/flux-img2img", json=data, headers=HEADERS, timeout=60).content


def missing() -> None:
    httpx.post("https://api.segmind.com/v1/flux-img2img", json={"prompt": "x"}, headers=HEADERS)  # fault: required.missing


def added_later(mask: str | None) -> None:
    data = {"prompt": "x", "steps": 20}
    if mask is not None:
        data["image"] = mask
    data["denoise"] = 3  # fault: range.above
    requests.post(f"{BASE}/flux-img2img", json=data, headers=HEADERS, timeout=60)


def changed_elsewhere() -> None:
    data = {"prompt": "x", "steps": 900, "no_such": 1}
    clean(data)
    requests.post(f"{BASE}/flux-img2img", json=data, headers=HEADERS, timeout=60)


def clean(data: dict[str, object]) -> None:
    data.clear()


def assigned_twice(fast: bool) -> None:
    steps = 0
    if fast:
        steps = 4
    requests.post(f"{BASE}/flux-img2img", json={**common(), "steps": steps}, headers=HEADERS, timeout=60)


def common() -> dict[str, object]:
    return {}


def bearer() -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}  # fault: auth.bearer
    requests.post(f"{BASE}/flux-img2img", json=common(), headers=headers, timeout=60)
    requests.post(f"{BASE}/claude-4-sonnet", json=common(), headers=headers, timeout=60)  # its page prints Bearer


def form() -> None:
    requests.post(f"{BASE}/flux-img2img", data={"prompt": "x", "stepz": 3}, headers=HEADERS, timeout=60)  # fault: body.encoding, parameter.unknown, required.missing


def by_urllib() -> None:
    payload = json.dumps({**common(), "prompt": 3}).encode()  # fault: type.integer_for_string
    request = urllib.request.Request("https://api.segmind.com/v1/flux-img2img", data=payload, headers=HEADERS)
    urllib.request.urlopen(request)


class Service:
    endpoint = "https://api.segmind.com/v1"
    model = "flux-img2igm"  # fault: slug.misspelt

    def __init__(self, session: requests.Session) -> None:
        self.session = session

    async def run(self, **params: object) -> None:
        self.session.post(self.endpoint + "/" + self.model, json=params)
        self.session.request("POST", url=f"{self.endpoint}/flux-img2img", json={**params, "steps": 0})  # fault: range.below
        self.session.get("https://api.segmind.com/v1/" + self.model)


class Other:
    name = "flux-img2img"
    slug = "flux-img2img"

    def run(self) -> None:
        requests.post(f"{BASE}/{self.name}", json={"steps": 900}, headers=HEADERS, timeout=60)
        requests.post(f"{BASE}/{self.slug}", json={"steps": 900}, headers=HEADERS, timeout=60)


class Child(Other):
    slug = "style-transfer"


def other() -> None:
    one = Other()
    one.name = "style-transfer"
    one.run()


def ignored() -> None:
    requests.post("https://api.segmind.com/v1/my-own-lora", json={}, timeout=60)  # segforge: ignore[slug.unknown]
    if UNKNOWN.startswith("https://api.segmind.com/v1/never"):
        print("https://api.segmind.com/v1/{}".format("x"), f"see https://api.segmind.com/v1/none for more")
