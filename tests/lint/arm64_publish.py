"""No full barrier (`dmb ish`) on the publish path of ARM64, looked up in the assembly.

An acquire or release needs none there (ldar, stlr, the LSE atomics): a `dmb ish` is a sequentially consistent
fence that slipped in, for the price of tens of nanoseconds an event. What is compiled: arm64/publish_path.cpp, which
instantiates every way into the rings, the lane and the bus, with the functions that those call; and the dispatcher's own
parts, of which none needs one.
"""

import argparse
import re
import subprocess
import sys

from headers_alone import include_flags
from source import ROOT

FLAGS = ["-std=c++20", "-O2", "-DNDEBUG", "-DHEADRACE_TELEMETRY=1", "-moutline-atomics", "-S", "-o", "-"]
FULL_BARRIER = re.compile(r"^\s*dmb\s+(?:ish|sy)\s*$", re.MULTILINE)
RELEASE = re.compile(r"\bstlr\b|__aarch64_\w+_rel\b|__aarch64_\w+_acq_rel\b")
FUNCTION = re.compile(r"^([\w.$]+):\n(.*?)^\s*\.size\s+\1,", re.MULTILINE | re.DOTALL)
PUBLISH_PATH = ROOT / "tests/lint/arm64/publish_path.cpp"
DISPATCHER_PARTS = [ROOT / f"core/dispatch/src/{name}.cpp" for name in ("publisher_state", "overflow_queue")]
# Ways into the bus whose release store is in a function that they call.
CALL_OTHERS = re.compile(r"publish_bus|publish_lane_claimed")


def functions(compiler, unit, *flags):
    """Name -> assembly of each function of the unit."""
    command = [compiler, *FLAGS, *flags, *include_flags(ROOT, "bus"), str(unit)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(FUNCTION.findall(text))


def fenced(found):
    return sorted(name for name, text in found.items() if FULL_BARRIER.search(text))


def check(compiler):
    entry = functions(compiler, PUBLISH_PATH)
    publishes = {name: text for name, text in entry.items() if name.startswith("publish_")}
    parts = [functions(compiler, unit) for unit in DISPATCHER_PARTS]
    faults = [f"{name}: a full barrier" for found in (entry, *parts) for name in fenced(found)]
    if len(publishes) < 11:
        faults.append(f"only {sorted(publishes)} were found in the assembly")
    faults += [f"{name}: no release store, so this is not the code that publishes"
               for name, text in publishes.items() if not CALL_OTHERS.match(name) and not RELEASE.search(text)]
    if not any("commit_frame" in name and RELEASE.search(text) for name, text in entry.items()):
        faults.append("the lane's commit of a frame was not found in the assembly")
    # The check must be able to fail: the same unit with a fence planted.
    if fenced(functions(compiler, PUBLISH_PATH, "-DHEADRACE_PLANT_FENCE")) != ["publish_with_planted_fence"]:
        faults.append("the planted fence was not found: this check is blind")
    return publishes, faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("compiler")
    publishes, faults = check(parser.parse_args().compiler)
    print("\n".join(faults))
    print(f"{len(publishes)} publish functions for ARM64, {len(faults)} faults")
    sys.exit(1 if faults else 0)
