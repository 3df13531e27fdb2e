"""Reading what C writes (native/marshal_write.h) without the interpreter's marshal, in plain Python."""

from __future__ import annotations

from struct import Struct
from typing import Any

_CONSTANTS = {"N": None, "T": True, "F": False}
_INT = Struct("<i")
_FLOAT = Struct("<d")
_DIGIT_BITS = 15
_REFERABLE = 0x80
_DICT_END = object()


class _Reader:
    """A place in the bytes, and the texts that may be referred to."""

    def __init__(self, data: Any) -> None:
        self.data = bytes(data)
        self.position = 0
        self.texts: list[str] = []

    def take(self, size: int) -> bytes:
        start = self.position
        if size < 0 or size > len(self.data) - start:
            raise ValueError("bad marshal data")
        self.position = start + size
        return self.data[start : self.position]

    def number(self) -> int:
        value: int = _INT.unpack(self.take(4))[0]
        return value

    def integer(self) -> int:
        count = self.number()
        digits = self.take(2 * abs(count))
        value = 0
        for index in range(abs(count)):
            value |= int.from_bytes(digits[2 * index : 2 * index + 2], "little") << _DIGIT_BITS * index
        return -value if count < 0 else value

    def text(self, code: str, referable: bool) -> str:
        size = self.take(1)[0] if code == "z" else self.number()
        text = self.take(size).decode("utf-8" if code == "u" else "ascii")
        if referable:
            self.texts.append(text)
        return text

    def mapping(self) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        while True:
            key = self.value()
            if key is _DICT_END:
                return found
            found[key] = self.value()

    def value(self) -> Any:
        byte = self.take(1)[0]
        code = chr(byte & ~_REFERABLE)
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in "zau":
            return self.text(code, bool(byte & _REFERABLE))
        if code == "i":
            return self.number()
        if code == "r":
            return self.texts[self.number()]
        if code == "s":
            return self.take(self.number())
        if code == "g":
            return _FLOAT.unpack(self.take(8))[0]
        if code == "l":
            return self.integer()
        if code == "[":
            return [self.value() for _ in range(self.number())]
        if code == ")":
            return tuple([self.value() for _ in range(self.take(1)[0])])
        if code == "{":
            return self.mapping()
        if code == "0":
            return _DICT_END
        raise ValueError("bad marshal data")


def loads(data: Any) -> Any:
    """The value that the bytes stand for, as marshal.loads gives it; what is behind it is passed over."""
    return _Reader(data).value()
