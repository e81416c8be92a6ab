"""Includes follow the layer rule: a module sees what stands in its row, and what that sees."""

import re

from source import ROOT, Finding, files, report, split

# Module of core/ -> the modules that it may include.
LAYERS = {
    "base": [],
    "ring": ["base"],
    "event": ["base"],
    "telemetry": ["base"],
    "route": ["event"],
    "dispatch": ["ring", "route", "telemetry"],
    "port": ["event"],
    "delivery": ["dispatch", "port"],
    "sourcing": ["delivery", "port"],
    "process": ["delivery", "sourcing"],
    "bus": ["delivery"],
    "simulation": ["bus", "sourcing", "process"],
}
ADAPTERS_SEE = ["port", "event"]
# What adapters share among themselves; their public headers do not show it.
ADAPTERS_SHARE = "headrace/adapter_support/"
# Beside the standard library and the system's own headers.
CORE_MAY_USE = ("concurrentqueue/",)
SYSTEM = re.compile(r"(sys|linux|netinet)/\w+\.h|(pthread|sched|unistd|fcntl|poll|netdb|time|errno|\w*intrin|arm_acle)\.h")
OUTSIDE_CORE = ("adapters/", "bench/", "tests/", "tools/", "harness/", "support/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
MODULE_LINE = re.compile(r"headrace_module\(\s*(\w+)(?:\s+DEPENDS\s+([\w\s]+))?\)")


def reachable(modules):
    seen = set()
    todo = list(modules)
    while todo:
        module = todo.pop()
        if module not in seen:
            seen.add(module)
            todo += LAYERS[module]
    return seen


def includes(path):
    code, _ = split(path.read_text())
    for match in INCLUDE.finditer(code):
        yield code.count("\n", 0, match.start(2)) + 1, match[2]


def fault_in_core(include, allowed):
    """What is wrong with an include, seen from a place that may use the allowed modules; None if nothing is."""
    parts = include.split("/")
    if parts[0] == "headrace":
        module = "bus" if len(parts) == 2 else parts[1]
        if module not in LAYERS:
            return f"{include}: no such module"
        return None if module in allowed else f"{include}: the layer rule forbids {module} here"
    if include.startswith(OUTSIDE_CORE) or ".." in parts:
        return f"{include}: reaches out of the module"
    return None


def is_foreign(include):
    return not (
        include.startswith("headrace/") or "." not in include or SYSTEM.fullmatch(include)
    )


def check_core(root):
    for module in LAYERS:
        folder = root / "core" / module
        allowed = reachable([module])
        for path in files(root, f"core/{module}"):
            name = str(path.relative_to(root))
            for line, include in includes(path):
                fault = fault_in_core(include, allowed)
                private = (path.parent / include).exists() and folder in (path.parent / include).resolve().parents
                if fault is None and is_foreign(include) and not private and not include.startswith(CORE_MAY_USE):
                    fault = f"{include}: core depends on the standard library and concurrentqueue only"
                if fault:
                    yield Finding(name, line, fault)


def check_links(root):
    """What a module links is what it may include."""
    for path in sorted((root / "core").glob("*/CMakeLists.txt")):
        for match in MODULE_LINE.finditer(path.read_text()):
            module, depends = match[1], (match[2] or "").split()
            line = path.read_text().count("\n", 0, match.start()) + 1
            for dependency in depends:
                if module not in LAYERS or dependency not in reachable([module]) - {module}:
                    yield Finding(str(path.relative_to(root)), line, f"{module} must not link {dependency}")


def check_adapters(root):
    allowed = reachable(ADAPTERS_SEE)
    for path in files(root, "adapters"):
        parts = path.relative_to(root).parts
        adapter, public = parts[1], "include" in parts and parts[1] != "support"
        for line, include in includes(path):
            own = include.startswith(f"headrace/{adapter}/") or (not public and include.startswith(ADAPTERS_SHARE))
            fault = None if own else fault_in_core(include, allowed)
            private = (path.parent / include).exists()
            if fault is None and public and not own and not private and is_foreign(include):
                fault = f"{include}: client libraries stop at src/"
            if fault:
                yield Finding(str(path.relative_to(root)), line, fault)


def check_users(root):
    """bench/ and tools/ use neither each other nor tests/; only bench/scenario and tools/ see adapters."""
    for folder, banned in {"bench": ("tests/", "tools/"), "tools": ("bench/", "tests/", "harness/")}.items():
        for path in files(root, folder):
            for line, include in includes(path):
                if include.startswith(banned) or ".." in include.split("/"):
                    yield Finding(str(path.relative_to(root)), line, f"{include}: {folder}/ must not use it")


def check(root):
    return [*check_core(root), *check_links(root), *check_adapters(root), *check_users(root)]


if __name__ == "__main__":
    report(check(ROOT), "includes against the layer rule")
