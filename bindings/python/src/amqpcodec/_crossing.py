"""The one module that touches the C module: everything that crosses between Python and C does so here."""

from __future__ import annotations

from amqpcodec._native import ffi, lib

CROSSING_VERSION = 1

if lib.crossing_version() != CROSSING_VERSION:
    raise ImportError(
        f"amqpcodec._native is of another build: its crossing has version {lib.crossing_version()}, {CROSSING_VERSION} is needed"
    )


def library_version() -> str:
    """The version of the C library that runs, which may be the system's."""
    version: str = ffi.string(lib.amqpc_version()).decode("ascii")
    return version
