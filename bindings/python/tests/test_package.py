"""The package as a whole: what it is made of, and what is said of it."""

import re
from pathlib import Path

import amqpcodec

HERE = Path(__file__).resolve().parent


def test_version_is_that_of_the_library_inside() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", amqpcodec.__version__)
