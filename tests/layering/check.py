#!/usr/bin/env python3
"""Every file of lib/ includes only its own folder, the folders below it, and the public headers.

    tests/layering/check.py [LIB]

base < codec < schema < frame < engine < transport < client; message is beside frame and engine, over schema; explain is over frame and
message; tools use public headers only. A file is included by its path from lib/, in quotes, and a public header in angle brackets.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

# Each folder and what it stands on directly; what these stand on comes with them.
LAYERS = {
    "base": [],
    "codec": ["base"],
    "schema": ["codec"],
    "frame": ["schema"],
    "message": ["schema"],
    "explain": ["frame", "message"],
    "engine": ["frame"],
    "transport": ["engine"],
    "client": ["transport", "message"],
    "tools": [],
}


def allowed(folder: str) -> set[str]:
    """The folder itself and all below it."""
    found = {folder}
    for lower in LAYERS[folder]:
        found |= allowed(lower)
    return found


def faults(lib: Path) -> list[str]:
    """What is wrong, in words, for each include that is."""
    found = []
    for path in sorted(lib.glob("**/*.[ch]")):
        name = path.relative_to(lib)
        folder = name.parts[0]
        if folder not in LAYERS:
            found.append(f"{name}: the folder {folder} has no place in the order of layers")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]*)[">]', line)
            if not match:
                continue
            quoted, target = match.group(1) == '"', match.group(2)
            place = f"{name}:{number}: "
            if quoted and not (lib / target).exists():
                found.append(f"{place}{target} is no path from lib/")
            elif quoted and target.split("/")[0] not in allowed(folder):
                found.append(f"{place}{folder} may not include {target}")
            elif not quoted and (lib / target).exists():
                found.append(f"{place}{target} is ours: write it in quotes")
    return found


def main() -> int:
    lib = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "lib"
    found = faults(lib)
    print("\n".join([*found, f"{len(found)} faults in the layering"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
