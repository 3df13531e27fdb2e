"""Decimal numbers, to and from the bits that AMQP sends (AMQP 1.6.13 to 1.6.15).

IEEE 754-2008 decimal32, decimal64 and decimal128 in the encoding by binary integers ("BID", section 3.5.2 there):

    sign | exponent | coefficient                where the exponent does not begin with 11
    sign | 11 | exponent | coefficient           otherwise; 100 goes before the coefficient
    sign | 11110 | ...                           infinity
    sign | 11111 | 1 if signaling | payload      not a number

This module is imported only where decimals are used: `decimal` takes a while.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from typing_extensions import Self


class _Decimal(Decimal):
    """A decimal number of fixed width.

    A number is taken as it is, its exponent included where that can be kept; otherwise the exponent changes and the
    number does not (1E+96 becomes 1.000000E+96). Raises ValueError where no such number is the same.
    """

    __slots__ = ()
    amqp_type: ClassVar[int]
    SIZE: ClassVar[int]  # bytes
    DIGITS: ClassVar[int]
    EXPONENT_BITS: ClassVar[int]
    BIAS: ClassVar[int]
    context: ClassVar[Context]

    def __init_subclass__(cls) -> None:
        largest = 3 << (cls.EXPONENT_BITS - 2)  # exponents that begin with 11 are infinities and such
        emax = largest - 1 - cls.BIAS + cls.DIGITS - 1
        cls.context = Context(prec=cls.DIGITS, Emin=1 - emax, Emax=emax, clamp=1, traps=[Inexact, InvalidOperation, Overflow])

    def __new__(cls, value: Any = "0") -> Self:
        exact = value if isinstance(value, Decimal) else Decimal(value)
        try:
            fitting = cls.context.create_decimal(exact)
        except (Inexact, InvalidOperation, Overflow):
            raise ValueError(f"{exact} does not fit a {cls.__name__} exactly") from None
        return super().__new__(cls, fitting)

    def to_bits(self) -> bytes:
        """The bits as they are sent, in network order."""
        sign, digits, exponent = self.as_tuple()
        width = 8 * self.SIZE
        bits = sign << (width - 1)
        coefficient = int("".join(map(str, digits)) or "0")
        if exponent == "F":
            return (bits | 0b11110 << (width - 6)).to_bytes(self.SIZE, "big")
        if isinstance(exponent, str):
            signaling = 0b111111 if exponent == "N" else 0b111110
            return (bits | signaling << (width - 7) | coefficient).to_bytes(self.SIZE, "big")
        coefficient_bits = width - 1 - self.EXPONENT_BITS
        if coefficient >> coefficient_bits == 0:
            bits |= (exponent + self.BIAS) << coefficient_bits | coefficient
        else:
            tail = coefficient_bits - 2
            bits |= 0b11 << (width - 3) | (exponent + self.BIAS) << tail | coefficient & ((1 << tail) - 1)
        return bits.to_bytes(self.SIZE, "big")

    @classmethod
    def from_bits(cls, bits: bytes) -> Self:
        """The number of bits as they are sent. A coefficient beyond the digits means 0 (IEEE 754-2008, 3.5.2)."""
        if len(bits) != cls.SIZE:
            raise ValueError(f"a {cls.__name__} has {cls.SIZE} bytes, not {len(bits)}")
        number = int.from_bytes(bits, "big")
        width = 8 * cls.SIZE
        sign = number >> (width - 1)
        combination = number >> (width - 6) & 0b11111
        coefficient_bits = width - 1 - cls.EXPONENT_BITS
        if combination == 0b11110:
            return cls._of(sign, 0, "F")
        if combination == 0b11111:
            payload = number & ((1 << _PAYLOAD_BITS[cls.SIZE]) - 1)
            largest = 10 ** (cls.DIGITS - 1)
            return cls._of(sign, payload if payload < largest else 0, "N" if number >> (width - 7) & 1 else "n")
        if combination >> 3 == 0b11:
            coefficient_bits -= 2
            coefficient = 0b100 << coefficient_bits | number & ((1 << coefficient_bits) - 1)
        else:
            coefficient = number & ((1 << coefficient_bits) - 1)
        exponent = (number >> coefficient_bits & ((1 << cls.EXPONENT_BITS) - 1)) - cls.BIAS
        return cls._of(sign, coefficient if coefficient < 10**cls.DIGITS else 0, exponent)

    @classmethod
    def _of(cls, sign: int, coefficient: int, exponent: Any) -> Self:
        digits = tuple(map(int, str(coefficient))) if coefficient or isinstance(exponent, int) else ()
        return super().__new__(cls, Decimal((sign, digits, exponent)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self),)

    # decimal's copies of a subclass are plain decimals.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self


_PAYLOAD_BITS = {4: 20, 8: 50, 16: 110}


class Decimal32(_Decimal):
    """A decimal number of 7 digits (AMQP 1.6.13)."""

    __slots__ = ()
    amqp_type = 12
    SIZE = 4
    DIGITS = 7
    EXPONENT_BITS = 8
    BIAS = 101


class Decimal64(_Decimal):
    """A decimal number of 16 digits (AMQP 1.6.14)."""

    __slots__ = ()
    amqp_type = 13
    SIZE = 8
    DIGITS = 16
    EXPONENT_BITS = 10
    BIAS = 398


class Decimal128(_Decimal):
    """A decimal number of 34 digits (AMQP 1.6.15): what a plain `decimal.Decimal` is encoded as."""

    __slots__ = ()
    amqp_type = 14
    SIZE = 16
    DIGITS = 34
    EXPONENT_BITS = 14
    BIAS = 6176
