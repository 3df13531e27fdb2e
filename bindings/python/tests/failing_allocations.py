"""Allocations of the C module, and of the library in it, that fail (hostile-inputs row 101).

    failing_allocations.py SCENARIO [ARGUMENT]

Runs a function of memory_scenarios.py with the first allocation failing, the second, and so on, until none is left to fail; and, on CPython,
again with all of them failing from there on. The scenario has to raise MemoryError or to do what it does otherwise, and to leave no memory
behind. It prints how often each came. It has a process of its own: the module is another one, which develop.py builds for this, and a crash
takes no other test along.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PYPY = sys.implementation.name == "pypy"
_MODULE = "amqpcodec._native"
_MANY = 2**31


def module() -> Path | None:
    """The module whose allocations can fail; None where the package is installed, and not from develop.py."""
    spec = importlib.util.find_spec("amqpcodec")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent.parent / "failing"
    return next((folder / f"_native{suffix}" for suffix in EXTENSION_SUFFIXES if (folder / f"_native{suffix}").exists()), None)


def load(path: Path) -> Any:
    """Makes it the package's module, which is not imported yet, and gives its functions for tests."""
    spec = importlib.util.spec_from_file_location(_MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = made
    spec.loader.exec_module(made)
    functions = ctypes.CDLL(str(path))
    functions.failing_allocations_arm.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
    functions.failing_allocations_disarm.restype = ctypes.c_size_t
    functions.failing_allocations_live.restype = ctypes.c_long
    return functions


class Failing:
    """Within `with`, the allocation with the index `first` fails, and those behind it where `lasting`."""

    def __init__(self, functions: Any, lasting: bool) -> None:
        self._functions = functions
        self._lasting = lasting
        self.first = _MANY  # none
        self.attempts = 0

    def __enter__(self) -> None:
        self._functions.failing_allocations_arm(self.first, _MANY if self._lasting else self.first)

    def __exit__(self, kind: Any, *raised: object) -> None:
        self.attempts = self._functions.failing_allocations_disarm()


def live_blocks(functions: Any) -> int:
    """What is allocated when all that can be freed is."""
    for _ in range(3 if PYPY else 1):
        gc.collect()
    live: int = functions.failing_allocations_live()
    return live


def survive(functions: Any, scenario: Callable[[Failing], Any], forget: Callable[[], None], lasting: bool) -> tuple[int, int]:
    """Gives how often the scenario raised MemoryError, and how often it went well all the same."""
    failing = Failing(functions, lasting)
    expected = scenario(failing)  # and makes what is made once
    forget()
    before = live_blocks(functions)
    failures, successes = 0, 0
    for first in range(_MANY):
        failing.first, failing.attempts = first, 0
        try:
            found = scenario(failing)
        except MemoryError:
            failures += 1
        else:
            assert found == expected, f"failure of allocation {first}: it is not what it is otherwise"
            successes += 1
        forget()
        is_last = failing.attempts <= first
        if is_last or not PYPY:  # whose collections take long
            after = live_blocks(functions)
            assert after == before, f"failure of allocation {first}: {after - before} blocks are left"
        if is_last:
            break
    return failures, successes - 1


def main() -> None:
    path = module()
    assert path is not None
    functions = load(path)
    import memory_scenarios

    if not PYPY:
        gc.freeze()  # of what is there for good there is nothing to collect
    scenario = getattr(memory_scenarios, sys.argv[1])
    with memory_scenarios.prepared(sys.argv[2:]):
        for lasting in (False,) if PYPY else (False, True):  # twice as long there, and the same C
            failures, successes = survive(functions, scenario, memory_scenarios.forget, lasting)
            print(f"{'all from one on' if lasting else 'one'}: {failures} failed, {successes} went well")


if __name__ == "__main__":
    main()
