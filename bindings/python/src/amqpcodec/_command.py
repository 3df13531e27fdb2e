"""The command `amqpcodec`, which is a C program in the package."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

_INSIDE = Path(__file__).with_name("_tool") / "amqpcodec"


def tool_path() -> str:
    """Where the program is. Distributions leave it out of the package; then it is the system's.

    Raises FileNotFoundError.
    """
    if _INSIDE.exists():
        return str(_INSIDE)
    for folder in os.get_exec_path():
        found = shutil.which("amqpcodec", path=folder)
        if found is not None and not _is_script(found):
            return found
    raise FileNotFoundError("the command amqpcodec is neither in the package nor on the PATH")


def _is_script(path: str) -> bool:
    """Whether it is what pip has made of this module, and not the program."""
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def main() -> NoReturn:
    """Becomes the program."""
    try:
        path = tool_path()
    except FileNotFoundError as error:
        sys.exit(f"amqpcodec: {error}")
    os.execv(path, ["amqpcodec", *sys.argv[1:]])
