"""What stands in docstrings: examples run, and whatever is public is described."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from types import ModuleType
from typing import Any

import amqpcodec
import pytest

MODULES = [name for _, name, _ in pkgutil.iter_modules(amqpcodec.__path__) if name not in ("_native", "_pytest_plugin")]
PUBLIC = [name for name in MODULES if not name.startswith("_")]


def load(name: str) -> ModuleType:
    return importlib.import_module(f"amqpcodec.{name}")


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    assert doctest.testmod(load(name)).failed == 0


def members(owner: type[Any]) -> list[tuple[str, Any]]:
    """The public attributes that a class of ours brings itself."""
    found = vars(owner).items()
    return [(name, value) for name, value in found if not name.startswith("_") and (callable(value) or isinstance(value, (property, classmethod)))]


@pytest.mark.parametrize("name", ["", *PUBLIC])
def test_whatever_is_public_is_described(name: str) -> None:
    module = load(name) if name else amqpcodec
    assert module.__doc__
    missing = []
    for public in getattr(module, "__all__", []):
        value = getattr(module, public)
        if not inspect.isclass(value) and not inspect.isfunction(value):
            continue
        if not inspect.getdoc(value):
            missing.append(public)
        if inspect.isclass(value) and value.__module__.startswith("amqpcodec"):
            missing += [f"{public}.{member}" for member, thing in members(value) if not inspect.getdoc(thing)]
    assert missing == []


@pytest.mark.parametrize("name", [name for name in MODULES if name != "_composites"])
def test_parameters_are_described_in_one_layout(name: str) -> None:
    """A name, two spaces or more, and what it is; not `name: what it is`."""
    source = inspect.getsource(load(name))
    assert re.findall(r"\n\n +[a-z][a-z_0-9]*: [a-z][^\n]*\n", "".join(re.findall(r'""".*?"""', source, flags=re.DOTALL))) == []
