"""Virtual environments below build/bench: what draws the charts, and the peers that are Python packages."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import programs

HERE = Path(__file__).resolve().parent


class SetupError(Exception):
    """The environment cannot be made; says why."""


def run_step(command: list[str]) -> None:
    """Runs a step; what failed is said by the first line that calls itself an error, or by the last."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        lines = [line for line in result.stdout.splitlines() if line.strip()] or ["it says nothing"]
        reason = next((line for line in lines if line.lower().startswith("error")), lines[-1])
        raise SetupError(f"{' '.join(command)}: {reason}")


def ensure(name: str, interpreter: str, requirements: str) -> Path:
    """The Python of an environment that has the requirements, a file beside this one; made where it is not there."""
    folder = programs.DEFAULT_BUILD_DIR / name
    python = folder / "bin" / "python"
    wanted = (HERE / requirements).read_text()
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text() == wanted and python.exists():
        return python
    found = shutil.which(interpreter)
    if found is None:
        raise SetupError(f"there is no {interpreter}")
    run_step([found, "-m", "venv", "--clear", str(folder)])
    run_step([str(python), "-m", "pip", "-q", "--disable-pip-version-check", "install", "-r", str(HERE / requirements)])
    stamp.write_text(wanted)
    return python


def plotter() -> Path:
    """A Python with matplotlib."""
    return ensure("plot", "python3", "requirements.txt")
