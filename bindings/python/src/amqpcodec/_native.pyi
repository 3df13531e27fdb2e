# The C module, which cffi makes: its functions and types are those of the public headers and native/crossing.h.
from typing import Any

ffi: Any
lib: Any
