"""Reading what C writes (native/marshal_write.h): the interpreter's marshal where it does so rightly, which is tried at import.

The format is not promised to stay from one Python to the next, so that nothing here relies on it: where the sample is not read
as it should be, `_unmarshal` takes the place of marshal, slower and in plain Python.
"""

from __future__ import annotations

import marshal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

# One of each code that C writes: constants, integers of both kinds, float, bytes, text of three kinds, references, and containers.
_TEXT = "x" * 300
_SAMPLE = bytes.fromhex(
    "5b0c0000004e544669feffffff6c05000000ff7fff7fff7fff7f0f006cfbffffff0000000000000000080067000000000000f83f7302000000ff00"
    f"fa026869f503000000e282ac2902720100000072000000007b7200000000612c010000{_TEXT.encode().hex()}30"
)
_NO_CODE: dict[str, Any] = {"allow_code": False}
_EURO = "\N{EURO SIGN}"
_EXPECTED = [None, True, False, -2, 2**64 - 1, -(2**63), 1.5, b"\xff\0", "hi", _EURO, (_EURO, "hi"), {"hi": _TEXT}]


def reads_rightly(loads: Callable[[bytes], Any]) -> bool:
    """Whether the function reads a sample as it was meant."""
    try:
        found = loads(_SAMPLE + b"rubbish, which is behind most of what C writes")
        return bool(repr(found) == repr(_EXPECTED)) and next(iter(found[11])) is found[10][1] is found[8]
    except Exception:
        return False


def _loads_data(data: Any) -> Any:
    """marshal.loads from Python 3.13 on: code objects are none of ours. Before, it is a TypeError, and the next candidate's turn."""
    return marshal.loads(data, **_NO_CODE)


def choose(candidates: tuple[Callable[[Any], Any], ...]) -> Callable[[Any], Any]:
    """The first that reads rightly; without one, a function of our own."""
    for loads in candidates:
        if reads_rightly(loads):
            return loads
    from amqpcodec._unmarshal import loads as own

    return own


loads = choose((_loads_data, marshal.loads))
