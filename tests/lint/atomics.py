"""Every atomic operation in core/, adapters/, bench/ and tests/support names its memory order, and carries a label whose partner exists.

A label stands on the lines of the operation's statement or in the comment right above it:
    // P1 -> C1          this operation is P1; C1 is labelled `C1 <- P1` in the same file or module
    // A1 <-> A2         and A2 says `A2 <-> A1`
    // no partner: why   (or a sentence that contains "no partner")
A comment above a group of operations may say "no partner in both" or "no partner in all three".
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field

from source import ROOT, Finding, files, report, split

OPERATION = re.compile(
    r"([A-Za-z_]\w*)?(?:\([^()]*\)|\[[^\[\]]*\])*\s*(?:\.|->)\s*"
    r"(?:load|store|exchange|compare_exchange_weak|compare_exchange_strong|fetch_\w+|test_and_set)\s*\("
)
FENCE = re.compile(
    r"\b(?:atomic_fence|asymmetric_fence_light|asymmetric_fence_heavy|atomic_thread_fence|atomic_signal_fence)\s*\("
)
ORDER = re.compile(r"\bmemory_order(?:_\w+|::\w+)")
STRONGER = re.compile(r"\bmemory_order(?:_|::)(?:acquire|release|acq_rel|seq_cst|consume)")
DECLARATION = re.compile(r"\b(?:Atomic|std::atomic|std::atomic_ref)\s*<[\w:\s,*&]*>\s*(\w+)")
OTHER_DECLARATION = re.compile(r"(?<!return)(?<!delete)[\w>*&]\s+[*&]?(\w+_)\s*(?:[;{]|=[^=])")
NAME = r"[A-Z]\d*"
LABEL = re.compile(rf"\b({NAME})\s*(<->|->|<-)\s*({NAME}(?:\s*,\s*{NAME}(?!\d*\s*(?:<->|->|<-)))*)")
NO_PARTNER = re.compile(r"no partner", re.IGNORECASE)
GROUP = re.compile(r"no partner in (?:both|all)", re.IGNORECASE)
GROUP_LINES = 5
MIRROR = {"->": "<-", "<-": "->", "<->": "<->"}

FOLDERS = ["core", "adapters", "bench", "tests/support"]
TOLD = ("core/", "adapters/")

# The aliases themselves: what they forward is labelled where they are called.
EXEMPT = {"core/base/include/headrace/base/atomic.hpp"}


@dataclass
class Site:
    path: str
    first: int  # lines, from 1
    last: int
    text: str
    comment: str = ""
    orders: bool = False  # it names an order beyond relaxed, or is a fence
    labels: list = field(default_factory=list)


def closing(code, opening):
    """Index of the parenthesis that closes the one at `opening`."""
    depth = 0
    for i in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[i], 0)
        if depth == 0:
            return i
    return len(code) - 1


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def is_declaration(code, match):
    before = code[code.rfind("\n", 0, match.start()) + 1 : match.start()]
    return re.search(r"\b(?:void|define)\s+(?:\w+\s+)*$", before) is not None


def comment_for(site, code_lines, comment_lines):
    """The comments on the site's own lines and the block of pure comment lines right above it."""
    own = [comment_lines[i - 1] for i in range(site.first, site.last + 1)]
    above, line = [], site.first - 1
    while line >= 1 and not code_lines[line - 1].strip() and comment_lines[line - 1].strip():
        above.insert(0, comment_lines[line - 1])
        line -= 1
    group = []
    for line in range(max(1, site.first - GROUP_LINES), site.first):
        if not code_lines[line - 1].strip() and GROUP.search(comment_lines[line - 1]):
            group.append(comment_lines[line - 1])
    own_text = " ".join(own)
    # A label of its own wins over one above, which may belong to another operation.
    if LABEL.search(own_text) or NO_PARTNER.search(own_text):
        return own_text
    return " ".join(above + group)


def sites_of(path, text):
    """(sites, findings): the atomic operations of one file; operations that name no order are findings."""
    code, comments = split(text)
    atomics = set(DECLARATION.findall(code))
    sites, findings = [], []
    spans = []
    for match in OPERATION.finditer(code):
        end = closing(code, match.end() - 1)
        arguments = code[match.end() : end]
        line = line_of(code, match.end())
        if ORDER.search(arguments) or re.search(r"\border\b", arguments):
            spans.append((match.end() - 1, end))
        elif match[1] in atomics:
            findings.append(Finding(path, line, f"{match[1]}: the memory order is not named"))
    for match in FENCE.finditer(code):
        if not is_declaration(code, match):
            spans.append((match.start(), closing(code, match.end() - 1)))
    for match in ORDER.finditer(code):  # handed to a function that forwards it
        line_begin = code.rfind("\n", 0, match.start()) + 1
        covered = any(begin <= match.start() <= end for begin, end in spans)
        if not covered:
            spans.append((max(line_begin, 0), match.end()))
    # A name that a second class of the file uses for a plain member cannot be told apart here.
    plain = set(OTHER_DECLARATION.findall(DECLARATION.sub(" ", code)))
    for name in {a for a in atomics if a.endswith("_")} - plain:
        pattern = rf"(?:\+\+|--)\s*{name}\b(?!\s*[.\[(-])|(?<![\w.>]){name}\s*(?:\+\+|--|[-+|&^]?=(?!=))"
        for match in re.finditer(pattern, code):
            findings.append(Finding(path, line_of(code, match.start()), f"{name}: operator with a hidden seq_cst"))

    code_lines, comment_lines = code.split("\n"), comments.split("\n")
    for begin, end in sorted(spans):
        first = line_of(code, begin + (len(code[begin:]) - len(code[begin:].lstrip())))
        statement_end = min((at for at in (code.find(c, end) for c in ";{}") if at >= 0), default=end)
        site = Site(path, first, line_of(code, statement_end), code_lines[first - 1].strip())
        statement = " ".join(code_lines[site.first - 1 : site.last])
        site.orders = FENCE.search(statement) is not None or STRONGER.search(statement) is not None
        site.comment = comment_for(site, code_lines, comment_lines)
        site.labels = [
            (name, arrow, partner)
            for name, arrow, partners in LABEL.findall(site.comment)
            for partner in re.findall(NAME, partners)
        ]
        sites.append(site)
    return sites, findings


def told_orders(root):
    """(module, label, partner) of each order that docs/memory-orders.md has a row for, in both directions."""
    told, module = set(), None
    path = root / "docs/memory-orders.md"
    for line in path.read_text().split("\n") if path.exists() else []:
        if heading := re.match(r"### (\w+/\w+)/", line):
            module = heading[1]
        by_hand = re.match(r"\| ((?:core|adapters)/\w+) \|", line)
        for name, _, partners in LABEL.findall(line) if line.startswith("|") else []:
            for partner in re.findall(NAME, partners):
                told.update({(by_hand[1] if by_hand else module, *pair) for pair in ((name, partner), (partner, name))})
    return told


def check_told(root, by_file):
    """What an order is for, and what fails without it, stands in the table of memory orders."""
    told = told_orders(root)
    for name, sites in by_file.items():
        module = "/".join(name.split("/")[:2])
        for site in sites if name.startswith(TOLD) else []:
            for label, arrow, partner in site.labels if site.orders else []:
                if (module, label, partner) not in told:
                    what = f"{label} {arrow} {partner}: no row of docs/memory-orders.md says what it is for"
                    yield Finding(name, site.first, what)


def check(root):
    findings, by_file = [], {}
    for path in files(root, *FOLDERS):
        name = str(path.relative_to(root))
        if name not in EXEMPT:
            by_file[name], more = sites_of(name, path.read_text())
            findings += more

    known = defaultdict(set)  # file, and module -> its labels
    for name, sites in by_file.items():
        module = "/".join(name.split("/")[:2])
        for site in sites:
            known[name].update(site.labels)
            known[module].update(site.labels)

    for name, sites in by_file.items():
        module = "/".join(name.split("/")[:2])
        for site in sites:
            if not site.labels and not NO_PARTNER.search(site.comment):
                findings.append(Finding(name, site.first, f"no label and no `no partner: reason`: {site.text}"))
            for label, arrow, partner in site.labels:
                mirror = (partner, MIRROR[arrow], label)
                if mirror not in known[name] and mirror not in known[module]:
                    missing = f"{partner} {MIRROR[arrow]} {label}"
                    findings.append(Finding(name, site.first, f"{label} {arrow} {partner}: nobody says `{missing}`"))
    findings += check_told(root, by_file)
    return sorted(set(findings), key=str)


if __name__ == "__main__":
    report(check(ROOT), "memory orders and their partners")
