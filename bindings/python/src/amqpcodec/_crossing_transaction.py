"""The part of the crossing that transactions use; see _crossing_client.py."""

from __future__ import annotations

from typing import Any

from amqpcodec._crossing import ffi, lib
from amqpcodec._crossing_client import OK, ClientHandle, error_of, failure
from amqpcodec._errors import AmqpError


class ControllerHandle:
    """A controller of the C library, of which transactions are made."""

    __slots__ = ("_c",)

    def __init__(self, client: ClientHandle) -> None:
        status = ffi.new("int *")
        made = lib.crossing_controller_new(client.owner, status)
        if made == ffi.NULL:
            raise failure(status[0])
        self._c: Any = ffi.gc(made, lib.crossing_controller_drop)

    @property
    def c(self) -> Any:
        return self._c

    def error(self) -> AmqpError | None:
        said = ffi.new("amqpc_client_error *")
        controller = lib.crossing_controller_get(self._c)
        return error_of(said) if lib.amqpc_controller_get_error(controller, said) == OK else None


class TransactionHandle:
    """A transaction of the C library."""

    __slots__ = ("_owner", "_transaction")

    def __init__(self, controller: ControllerHandle) -> None:
        status = ffi.new("int *")
        made = lib.crossing_transaction_new(controller.c, status)
        if made == ffi.NULL:
            raise controller.error() or failure(status[0])
        self._owner: Any = ffi.gc(made, lib.crossing_transaction_free)
        self._transaction: Any = made.transaction

    @property
    def c(self) -> Any:
        return self._transaction

    def look(self, what: int, moves: bool) -> int:
        status: int = lib.crossing_look(what, self._transaction, moves)
        return status

    def wait_for(self, what: int, timeout_ms: int) -> int:
        status: int = lib.crossing_wait_for(what, self._transaction, timeout_ms)
        return status

    def error(self) -> AmqpError | None:
        """Why it has ended without being discharged."""
        said = ffi.new("amqpc_client_error *")
        return error_of(said) if lib.amqpc_transaction_get_error(self._transaction, said) == OK else None
