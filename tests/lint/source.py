"""What the lints share: the tree's files, and their text with comments taken apart from code."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CPP = {".hpp", ".cpp", ".h"}


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    what: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}"


def files(root, *folders, suffixes=CPP):
    """Files below the folders, sorted, build folders left out."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and "build" not in path.relative_to(root).parts:
                yield path


_TOKENS = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<text>R"(?P<d>\w*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\')',
    re.DOTALL,
)
_INCLUDE = re.compile(r"^\s*#\s*include[^\n]*", re.MULTILINE)


def split(text):
    """(code, comments): both as long as the text and with its line breaks, the other's characters blanked.
    String and character literals are blanked in both, but for those of #include lines."""
    code, comments = list(text), [c if c == "\n" else " " for c in text]
    includes = [m.span() for m in _INCLUDE.finditer(text)]

    def in_include(at):
        return any(begin <= at < end for begin, end in includes)

    for match in _TOKENS.finditer(text):
        if match["text"] is not None and (in_include(match.start()) or _is_digit_separator(text, match.start())):
            continue
        for i in range(*match.span()):
            if text[i] != "\n":
                if match["comment"] is not None:
                    comments[i] = text[i]
                code[i] = " "
    return "".join(code), "".join(comments)


def _is_digit_separator(text, at):
    return text[at] == "'" and at > 0 and text[at - 1].isalnum()


def report(findings, what):
    """Prints findings; the exit code is the test's outcome."""
    for finding in findings:
        print(finding)
    print(f"{what}: {len(findings)} findings")
    sys.exit(1 if findings else 0)
