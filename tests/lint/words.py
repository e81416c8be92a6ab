"""Nothing unfinished, no path of one machine, no sleeping test, no file that outgrew its concept."""

import re

from source import ROOT, Finding, files, report

TEXT = {".hpp", ".cpp", ".h", ".py", ".md", ".txt", ".cmake", ".sh", ".toml", ".json"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|WIP)\b")
ONE_MACHINE = re.compile(r"(?<![\w.}])/(?:home|root|work|tmp|Users)/\w")
SLEEP = re.compile(r"\b(?:sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\(")
LINES_MAX = 400
SKIP = ("tests/lint/", "bench/results/", "tools/data/")


def check(root):
    findings = []
    for path in files(root, "core", "adapters", "bench", "tests", "tools", "docs", suffixes=TEXT):
        name = str(path.relative_to(root))
        if name.startswith(SKIP):
            continue
        lines = path.read_text(errors="replace").split("\n")
        for number, line in enumerate(lines, 1):
            if UNFINISHED.search(line):
                findings.append(Finding(name, number, "unfinished work is an issue, not a comment"))
            if ONE_MACHINE.search(line):
                findings.append(Finding(name, number, "names a folder of one machine"))
            if name.startswith("tests/") and path.suffix in {".cpp", ".hpp"} and SLEEP.search(line):
                findings.append(Finding(name, number, "a test must not sleep"))
        if path.suffix in {".hpp", ".cpp"} and len(lines) > LINES_MAX:
            findings.append(Finding(name, LINES_MAX, f"{len(lines)} lines: more than one concept"))
    return findings


if __name__ == "__main__":
    report(check(ROOT), "words, paths, sleeps, sizes")
