"""The examples of the guide and of the READMEs are run, and print what stands behind them."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from amqpcodec.testing import Broker

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("docs/guide-python.md", "README.md", "bindings/python/README.md")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Where examples connect; the tests' broker takes its place.
PLACE = "amqp://localhost"


class Example(NamedTuple):
    """One block of code, and what it is to print, where that stands right behind it."""

    page: str
    line: int
    code: str
    output: str | None

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def examples_of(page: str) -> Iterator[Example]:
    """The blocks of a page that are Python."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = list(FENCE.finditer(text))
    for block, following in zip(blocks, [*blocks[1:], None]):
        if block.group(1) != "python":
            continue
        is_output = following is not None and following.group(1) == "text" and not text[block.end() : following.start()].strip()
        output = following.group(2) if is_output and following is not None else None
        yield Example(page, text.count("\n", 0, block.start()) + 1, block.group(2), output)


EXAMPLES = [example for page in PAGES if (ROOT / page).exists() for example in examples_of(page)]


def run_example(example: Example, url: str) -> str:
    """Runs it, so that a traceback tells its line on the page; gives what it printed."""
    code = "\n" * example.line + example.code.replace(PLACE, url)
    output = io.StringIO()
    names: dict[str, Any] = {"__name__": "example"}
    with contextlib.redirect_stdout(output):
        exec(compile(code, str(ROOT / example.page), "exec"), names)
    return output.getvalue()


@pytest.mark.parametrize("example", [example for example in EXAMPLES if "def test_" not in example.code], ids=lambda example: example.name)
def test_example_does_what_the_page_says(example: Example) -> None:
    with Broker() as broker:
        output = run_example(example, broker.url.rstrip("/"))
    if example.output is not None:
        assert output == example.output


@pytest.mark.parametrize("example", [example for example in EXAMPLES if "def test_" in example.code], ids=lambda example: example.name)
def test_example_of_tests_passes(example: Example, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(example.code)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-W", "error", "--strict-markers")
    result.assert_outcomes(passed=example.code.count("def test_"))


def test_every_page_has_examples() -> None:
    assert {example.page for example in EXAMPLES} == set(PAGES)
