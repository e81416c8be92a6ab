"""Each public header compiles alone, twice over, and with nothing but the modules it may include in reach."""

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from includes import LAYERS, reachable
from source import ROOT

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-DHEADRACE_TELEMETRY=1"]


def include_flags(root, module):
    return [f"-I{root}/core/{seen}/include" for seen in sorted(reachable([module]))]


def headers(root):
    for module in LAYERS:
        folder = root / "core" / module / "include"
        for path in sorted(folder.rglob("*.hpp")):
            yield module, str(path.relative_to(folder))


def fault(compiler, root, module, header):
    """The compiler's complaint about a file that includes the header twice and nothing else; empty if none."""
    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder) / "alone.cpp"
        unit.write_text(f'#include "{header}"\n#include "{header}"\n')
        command = [compiler, *FLAGS, *include_flags(root, module), str(unit)]
        done = subprocess.run(command, capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def check(compiler, root, jobs):
    todo = list(headers(root))
    with ThreadPoolExecutor(jobs) as pool:
        faults = pool.map(lambda entry: fault(compiler, root, *entry), todo)
    return todo, [(header, text) for (_, header), text in zip(todo, faults) if text]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("compiler")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    todo, faults = check(arguments.compiler, ROOT, arguments.jobs)
    for header, text in faults:
        print(f"--- {header} does not compile alone\n{text}")
    print(f"{len(todo)} headers with {arguments.compiler}: {len(faults)} do not compile alone")
    sys.exit(1 if faults or not todo else 0)
