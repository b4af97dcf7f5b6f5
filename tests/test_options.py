"""Number types of options: which texts they accept, and that errors state the limits and the text."""

import argparse
from collections.abc import Callable

import pytest

from segforge import options


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (options.count, "0", 0),
        (options.positive_count, "1", 1),
        (options.port, "65535", 65535),
        (options.whole_number(1, 64), "64", 64),
        (options.seconds, "0.5", 0.5),
        (options.pause, "0", 0.0),
        (options.percent, "100", 100.0),
        (options.number(0, 1000), "1000", 1000.0),
        (options.credits, "2.50", "2.50"),
        (options.price, "0.05", "0.05"),
    ],
)
def test_accepted(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "limit", "texts"),
    [
        (options.count, "from 0", ["-1", "1.0", "", " 1", "9" * 5000]),
        (options.positive_count, "from 1", ["0"]),
        (options.port, "a port from 0 to 65535", ["65536"]),
        (options.whole_number(1, 64), "from 1 to 64", ["0", "65"]),
        (options.seconds, "above 0", ["0", "-1", "nan", "inf", "soon"]),
        (options.pause, "from 0 to 86400", ["-0.1", "86401", "nan"]),
        (options.percent, "from 0 to 100", ["-1", "100.1", "nan", "inf"]),
        (options.credits, "from 0", ["-1", "nan", "Infinity", "much"]),
        (options.price, "above 0", ["0", "0.00", "-1", "sNaN"]),
    ],
)
def test_rejected(parse: Callable[[str], object], limit: str, texts: list[str]) -> None:
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError) as error:
            parse(text)
        assert limit in str(error.value)
        assert repr(text) in str(error.value)
