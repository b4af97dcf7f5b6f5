"""Prices, authentication, encodings, paths and forms are read from pages; what can't be read is undecided."""

from typing import Any

import pytest
from ruamel.yaml import YAML

from segforge.pages.draft import draft, lint_text
from segforge.pages.page import CONVENTION, Page
from segforge.pages.read import page_of_bytes

PAGE = """Moving Pictures Serverless API

Changes a video.

{head}

~164.85s
{code}

API Endpoint

POSThttps://api.segmind.com{path}

Parameters

clip_urlrequired
string (uri)

The video to change

modeoptional
string

How far it changes

Default: "near"
secondsoptional
integer

The length

Response Type

Returns: Video
"""
PYTHON = """import requests
url = "https://api.segmind.com{path}"
# Prepare data and files
data = {{}}
files = {{}}
data['mode'] = "far"
data['seconds'] = 5
# files['clip_url'] = open('PATH', 'rb') # To send a file
data['clip_url'] = 'https://a.test/x.mp4' # To send a URI
headers = {{'x-api-key': api_key}}
if files:
response = requests.post(url, data=data, files=files, headers=headers)
else:
response = requests.post(url, json=data, headers=headers)"""
JAVASCRIPT = """const FormData = require('form-data');
const form = new FormData();
form.append('mode', "far");
form.append('seconds', "5");
form.append('clip_url', fs.createReadStream('x.mp4'));
axios.post("https://api.segmind.com{path}", form, {{headers: {{Authorization: `Bearer ${{key}}`}}}});"""


def read(code: str = PYTHON, *, head: str = "~$0.602", path: str = "/v1/moving-pictures") -> Page:
    return page_of_bytes(PAGE.format(head=head, code=code.format(path=path), path=path).encode(), "page")


def spec_of(page: Page) -> Any:
    """Returns the data of a page's draft, which has no lint errors."""
    made = draft(page)
    assert lint_text(made.text, made.slug) == []
    return YAML(typ="safe").load(made.text)


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("~$0.007", {"from": 0.007, "to": 0.007}),
        ("$0.400 - $1.20 per generation", {"from": 0.4, "to": 1.2, "unit": "generation"}),
        ("$1,000 per second", {"from": 1000, "to": 1000, "unit": "second"}),
        ("$0.125 per second of input", {"from": 0.125, "to": 0.125, "unit": "input_second"}),
        ("$2.50 per 1M tokens", {"from": 2.5, "to": 2.5, "unit": "token"}),
        ("up to $2.50", {"to": 2.5}),
        ("from $2.50 per generation", {"from": 2.5, "unit": "generation"}),
    ],
)
def test_a_price_is_read_as_printed(text: str, price: dict[str, Any]) -> None:
    page = read(head=text)
    assert page.get("price") == {"printed": text, **price}
    assert spec_of(page)["price"] == {"printed": text, **price}


@pytest.mark.parametrize(
    "text", ["$0.4.0", "$0.400 - $ per generation", "~$0 012", "$3 per generatoin", "$5 - $2", "$.40"]
)
def test_a_price_that_cannot_be_read_is_undecided(text: str) -> None:
    page = read(head=text)
    assert "price" not in page.facts
    assert "price" in page.undecided
    assert page.get("description") == "Changes a video."


def test_an_amount_whose_end_may_be_lost_is_not_certain() -> None:
    assert (
        page_of_bytes(PAGE.format(head="~$0.01 ", code=PYTHON.format(path=""), path="/v1/x").encode(), "page")
        .facts["price"]
        .confidence
        == CONVENTION
    )


def test_a_form_in_python_states_both_encodings_and_files() -> None:
    page = read()
    assert page.samples == ({"mode": "far", "seconds": 5, "clip_url": "https://a.test/x.mp4"},)
    assert (page.get("auth"), page.get("encodings")) == ([], ["json", "multipart"])
    spec = spec_of(page)
    assert spec["encodings"] == ["json", "multipart"]
    assert "auth" not in spec
    clip = spec["parameters"]["clip_url"]
    assert (clip["file"], clip["accepts"], clip["inferred"]) == ("video", ["url", "part"], ["file"])


def test_a_form_in_javascript_sends_numbers_as_text() -> None:
    page = read(JAVASCRIPT)
    assert (page.get("auth"), page.get("encodings")) == (["bearer"], ["multipart"])
    spec = spec_of(page)
    assert spec["example"] == {"mode": "far", "seconds": 5}
    assert (spec["auth"], spec["encodings"]) == (["bearer"], ["multipart"])
    assert spec["parameters"]["clip_url"]["accepts"] == ["url", "part"]


@pytest.mark.parametrize("code", [PYTHON, JAVASCRIPT])
def test_a_damaged_form_loses_no_key(code: str) -> None:
    whole = read(code)
    lines = [line for line in code.split("\n") if "data['" in line or ".append(" in line]
    for line in lines:
        for at in range(len(line)):
            for broken in (line[:at] + line[at + 1 :], f"{line[:at]}~{line[at + 1 :]}"):
                for payload in read(code.replace(line, broken)).samples:
                    assert len(payload) == len(whole.samples[0]), broken


def test_paths_that_differ_from_the_usual_ones_are_stated() -> None:
    assert spec_of(read(path="/v1/models/moving-pictures"))["paths"] == {"v1": "/v1/models/{slug}"}
    assert "paths" not in spec_of(read())


OLD = """POST/v1/old-model
data = {{"image": "https://a.test/x.png", "strength": 1.5}}
RESPONSE
image/jpeg
HTTP Response Codes
200 - OKImage Generated

Attributes


imageimage *

The input


strengthfloat ( default: 0.5 ) Affects Pricing

How much


styleenum:str ( default: None )

The style


messagesArray

Texts

To keep track of your credit usage, you can look.
"""


def test_an_old_page_states_files_prices_and_lost_values() -> None:
    data = spec_of(page_of_bytes(OLD.format().encode(), "page"))
    image, strength, style, messages = data["parameters"].values()
    assert (image["type"], image["file"], image["required"]) == ("string", "image", True)
    assert (strength["affects_price"], strength["default"]) == (True, 0.5)
    assert style["enum"] == {"known": [], "total": None}
    assert "default" not in style
    assert (messages["type"], "items" in messages) == ("array", False)
    assert data["returns"]["media"] == "image"
