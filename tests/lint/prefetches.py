"""What asks for memory ahead still does in the assembly.

g++ takes a function that does nothing but prefetch for one without effect, and drops the calls of it that it has not
inlined by then: for a while the timing wheel asked for nothing, and took three times as long for it. Each case below
is compiled by itself, as a program does that uses it.
"""

import argparse
import re
import subprocess
import sys

from headers_alone import include_flags
from source import ROOT

FLAGS = ["-std=c++20", "-O3", "-DNDEBUG", "-DHEADRACE_TELEMETRY=1", "-S", "-o", "-", "-x", "c++", "-"]
PREFETCH = re.compile(r"^\s*(?:prefetch|prfm)", re.MULTILINE)
# What asks -> the header, code that has it done, and how often it is asked at least.
CASES = {
    "a wheel, for the timers of the next chunk": ("delivery/timing_wheel.hpp", """
        unsigned run(TimingWheel<std::uint64_t>& wheel, std::uint64_t now, std::uint64_t& sum) {
          return wheel.advance(now, [&](std::uint64_t payload) { sum += payload; });
        }""", 3),
    "a table of done events, for the next key": ("delivery/dedup_table.hpp", """
        void run(DedupTable& table, std::span<const DedupKey> keys, EventTime now, DedupAnswer* answers) {
          table.claim(keys, {}, now, answers);
        }""", 1),
    "functions that are not inlined": ("base/hints.hpp", """
        [[gnu::noinline]] static void read(const int* a) noexcept { if (a[0] > 0) prefetch_for_read(a + a[0]); }
        [[gnu::noinline]] static void write(const int* a) noexcept { if (a[0] > 0) prefetch_for_write(a + a[0]); }
        int run(const int* a) { read(a); write(a + 1); return a[2]; }""", 2),
}
BLIND = ("base/hints.hpp", "int run(int x) { return x; }", 1)


def prefetches(compiler, header, code):
    text = f'#include "headrace/{header}"\n#include <span>\nnamespace headrace {{\n{code}\n}}\n'
    command = [compiler, *include_flags(ROOT, header.split("/")[0]), *FLAGS]
    assembly = subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout
    return len(PREFETCH.findall(assembly))


def check(compiler):
    faults = []
    for who, (header, code, least) in CASES.items():
        found = prefetches(compiler, header, code)
        if found < least:
            faults.append(f"{who}: {found} prefetches in the assembly, where {least} are written")
    if prefetches(compiler, *BLIND[:2]) != 0:
        faults.append("prefetches were found where there is none: this check is blind")
    return faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("compiler")
    faults = check(parser.parse_args().compiler)
    print("\n".join(faults))
    print(f"{len(CASES)} that ask ahead, {len(faults)} faults")
    sys.exit(bool(faults))
