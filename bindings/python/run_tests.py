#!/usr/bin/env python3
"""Runs the package's tests on one interpreter, in an environment of its own.

    run_tests.py [PYTHON] [--build-dir FOLDER] [--sanitize] [--quick] [ARGUMENT OF PYTEST...]
    run_tests.py --find            the interpreters of this machine that the package is for: a name, a tab, the program
    run_tests.py --all JOBS        all of them, so many at once: all tests on the first CPython and on PyPy, the quick ones on the others

Makes the environment of tests/requirements.txt below FOLDER/python (kept while that file stays as it is), builds the module by develop.py, and runs
pytest there; nothing is written outside of FOLDER. --quick: without the tests marked as slow, and fewer examples by hypothesis.
--sanitize: library and module have AddressSanitizer and UndefinedBehaviorSanitizer.
Exits as pytest does; with 77, after a line that says why, where the environment cannot be made.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REQUIREMENTS = HERE / "tests/requirements.txt"
SKIPPED = 77
OLDEST = 9  # of Python 3
ASK = "import platform, sys; print(platform.python_implementation(), '%d.%d' % sys.version_info[:2], sys.abiflags)"


def identity(python: str) -> tuple[str, str] | None:
    """CPython, 3.11: what an interpreter is; None for none that the package is for."""
    try:
        asked = subprocess.run([python, "-c", ASK], capture_output=True, text=True, check=False, timeout=60)
    except OSError:
        return None
    found = re.fullmatch(r"(CPython|PyPy) 3\.(\d+) *\n", asked.stdout)
    if found is None or int(found.group(2)) < OLDEST:
        return None
    return found.group(1), f"3.{found.group(2)}"


def interpreters() -> dict[str, str]:
    """One of each kind and version: by name the program. The system's first."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    names = ["python3", "pypy3", *(f"{kind}3.{minor}" for kind in ("python", "pypy") for minor in range(OLDEST, OLDEST + 10))]
    candidates = [found for found in map(shutil.which, names) if found is not None]
    candidates += [str(path) for path in sorted(pyenv.glob("*/bin/python"))]
    found: dict[str, str] = {}
    for python in candidates:
        what = identity(python)
        if what is not None:
            found.setdefault(" ".join(what), python)
    return found


def environment_of(python: str, folder: Path) -> Path:
    """The interpreter of an environment that has what tests/requirements.txt names."""
    what = identity(python)
    if what is None:
        sys.exit(f"run_tests.py: {python} is neither CPython nor PyPy, of 3.{OLDEST} or later")
    place = folder / "-".join(["venv", *what])
    inside, wanted = place / "bin/python", REQUIREMENTS.read_text()
    marker = place / "installed.txt"
    if marker.exists() and marker.read_text() == wanted:
        return inside
    for command in (
        [python, "-m", "venv", "--clear", place],
        [inside, "-m", "pip", "-q", "--disable-pip-version-check", "install", "-r", REQUIREMENTS],
    ):
        made = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if made.returncode != 0:
            print(made.stdout)
            print(f"{' '.join(what)}: no environment can be made, or pip cannot install in it what the tests need")
            sys.exit(SKIPPED)
    marker.write_text(wanted)
    return inside


def library_of_sanitizer() -> str:
    """What has to be loaded before an interpreter that was built without it."""
    asked = ["gcc", "-print-file-name=libasan.so"], ["gcc", "-print-file-name=libubsan.so"]
    return " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() for command in asked)


def environment(package: Path, folder: Path, quick: bool, sanitize: bool) -> dict[str, str]:
    """What pytest runs with. All that Python, pytest and hypothesis would leave in the sources goes into the folder."""
    values = {
        **os.environ,
        "PYTHONPATH": str(package),
        "PYTHONPYCACHEPREFIX": str(folder / "pycache"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
        "AMQPCODEC_TEST_PROFILE": "quick" if quick else "full",
    }
    if sanitize:
        values["LD_PRELOAD"] = library_of_sanitizer()
        values["PYTHONMALLOC"] = "malloc"  # otherwise objects lie in arenas, whose inside the sanitizer does not know
        values["ASAN_OPTIONS"] = "detect_leaks=0:allocator_may_return_null=1"  # the interpreter never frees all
        values["UBSAN_OPTIONS"] = "print_stacktrace=1"
    return values


def tests_of(name: str, python: str, folder: Path, quick: bool) -> tuple[int, int]:
    """Runs this program for one interpreter, and prints what it said in the end; gives its status, and how many tests passed."""
    command = [sys.executable, __file__, python, "--build-dir", str(folder), *(["--quick"] if quick else []), "-q"]
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    lines = ran.stdout.splitlines() or [""]
    if ran.returncode == SKIPPED:
        print(f"skipped: {lines[-1]}", flush=True)
        return 0, 0
    print(f"{name}{', quick' if quick else ''}: {lines[-1] if ran.returncode == 0 else ran.stdout}", flush=True)
    passed = re.match(r"(\d+) passed", lines[-1])
    return ran.returncode, int(passed.group(1)) if passed else 0


def every_interpreter(folder: Path, jobs: int) -> int:
    """The tests on all that there are; the longest first."""
    started = time.monotonic()
    found = interpreters()
    whole = {next((name for name in found if name.startswith("CPython")), ""), *(name for name in found if name.startswith("PyPy"))}
    names = sorted(found, key=lambda name: (name not in whole, not name.startswith("PyPy")))
    with ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(lambda name: tests_of(name, found[name], folder, name not in whole), names))
    print(f"{sum(passed for _, passed in results)} passed on {len(found)} interpreters in {time.monotonic() - started:.0f}s")
    return max((status for status, _ in results), default=0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", nargs="?", default="python3")
    parser.add_argument("--find", action="store_true")
    parser.add_argument("--all", type=int, metavar="JOBS")
    parser.add_argument("--build-dir", type=Path, default=Path(os.environ.get("AMQPCODEC_BUILD_DIR", ROOT / "build")))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sanitize", action="store_true")
    arguments, rest = parser.parse_known_args()
    if arguments.find:
        print("".join(f"{name}\t{python}\n" for name, python in interpreters().items()), end="")
        return 0
    if arguments.all:
        return every_interpreter(arguments.build_dir, arguments.all)
    folder = arguments.build_dir.resolve() / "python"
    folder.mkdir(parents=True, exist_ok=True)
    inside = environment_of(arguments.python, folder)
    develop = [sys.executable, str(HERE / "develop.py"), str(inside), "--build-dir", str(arguments.build_dir)]
    built = subprocess.run([*develop, *(["--sanitize"] if arguments.sanitize else [])], stdout=subprocess.PIPE, text=True, check=False)
    if built.returncode != 0:
        return built.returncode
    marked = ["-m", "not slow"] if arguments.quick else []
    command = [str(inside), "-m", "pytest", "-p", "no:cacheprovider", *marked, *rest]
    package = Path(built.stdout.split("\n")[0])
    return subprocess.run(command, cwd=HERE, env=environment(package, folder, arguments.quick, arguments.sanitize), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
