"""Each public header compiles alone, twice over, and with nothing but the modules it may include in reach; and all
of them compile together, so that no two give one name to two things."""

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from includes import ADAPTERS_SEE, LAYERS, reachable
from source import ROOT

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-DHEADRACE_TELEMETRY=1"]


def include_flags(root, module):
    return [f"-I{root}/core/{seen}/include" for seen in sorted(reachable([module]))]


def adapter_flags(root, folder):
    return [f"-I{folder}", *(f"-I{root}/core/{seen}/include" for seen in sorted(reachable(ADAPTERS_SEE)))]


def headers(root):
    """(include flags, header) of each."""
    for module in LAYERS:
        folder = root / "core" / module / "include"
        for path in sorted(folder.rglob("*.hpp")):
            yield include_flags(root, module), str(path.relative_to(folder))
    for folder in sorted((root / "adapters").glob("*/include")):
        for path in sorted(folder.rglob("*.hpp")):
            yield adapter_flags(root, folder), str(path.relative_to(folder))


def fault(compiler, flags, includes):
    """The compiler's complaint about a file of these includes and nothing else; empty if none."""
    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder) / "alone.cpp"
        unit.write_text("".join(f'#include "{header}"\n' for header in includes))
        command = [compiler, *FLAGS, *flags, str(unit)]
        done = subprocess.run(command, capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def check(compiler, root, jobs):
    todo = list(headers(root))
    units = {header: (flags, [header, header]) for flags, header in todo}
    flags = include_flags(root, "simulation") + [f"-I{folder}" for folder in sorted((root / "adapters").glob("*/include"))]
    units["all headers together"] = (flags, [header for _, header in todo])
    with ThreadPoolExecutor(jobs) as pool:
        faults = pool.map(lambda unit: fault(compiler, *unit), units.values())
    return todo, [(name, text) for name, text in zip(units, faults) if text]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("compiler")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    todo, faults = check(arguments.compiler, ROOT, arguments.jobs)
    for header, text in faults:
        print(f"--- {header} does not compile\n{text}")
    print(f"{len(todo)} headers with {arguments.compiler}: {len(faults)} complaints")
    sys.exit(1 if faults or not todo else 0)
