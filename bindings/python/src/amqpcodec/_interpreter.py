"""Refuses interpreters within the process beside the first one, which the C module cannot serve: their objects would be mixed up."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _interpreters() -> Any:
    """What tells which interpreter this is; None where there can be only one."""
    try:
        import _interpreters  # type: ignore[import-not-found,unused-ignore]

        return _interpreters
    except ImportError:
        pass
    try:
        import _xxsubinterpreters  # type: ignore[import-not-found,unused-ignore]

        return _xxsubinterpreters
    except ImportError:
        return None


_found = _interpreters()
if _found is not None and _found.get_current() != _found.get_main():
    raise ImportError("amqpcodec cannot be used in a subinterpreter, only in the main interpreter of a process")
