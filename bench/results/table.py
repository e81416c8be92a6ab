#!/usr/bin/env python3
"""Prints result files of headrace-bench as the tables of docs/benchmarks.md.

    table.py FILE...          every row, near and far side by side
    table.py --merge FILE...  one JSON array: of each row, peer and distance the measurement with the least foreign load

Later files win between equals. A measurement is never chosen by its ratio.
"""
import json
import sys

GROUPS = [("dispatch", "Whole dispatch"), ("publish", "What publishing costs beside what else there is"),
          ("telemetry", "Telemetry"), ("idle", "Idleness"), ("ring", "Rings"), ("route", "Topics, one thread"),
          ("machine", "What the machine allows")]


def load(paths):
    rows = []
    for path in paths:
        with open(path) as file:
            rows += json.load(file)
    return rows


def distance(row):
    one_core = row["name"].startswith(("route.", "idle.cpu")) or row["name"].endswith(("2p2c", "4p4c"))
    return "any" if one_core else row["cores"]


def merge(rows):
    kept = {}
    for row in rows:
        key = (row["name"], row["peer"], distance(row))
        if key not in kept or round(row["foreign_load"], 2) <= round(kept[key]["foreign_load"], 2):
            kept[key] = row
    return [kept[key] for key in sorted(kept, key=lambda key: key[0])]  # peers stay in their order


def figure(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2g}" if value < 1 else f"{value:.3g}"


def ratio(value):
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def cells(row):
    """The two medians, and what the ratio came to against its aim."""
    if row is None:
        return ["", ""]
    if row["peer"] is None:
        return [f"{figure(row['value'])} {row['unit']}", ""]
    outcome = ratio(row["ratio"])
    if row["target"] is not None:
        sign = "≥" if row["better"] == "higher" else "≤"
        outcome += f" ({sign} {row['target']:.3g}" + (")" if row["met"] else ", **missed**)")
    return [f"{figure(row['value'])} : {figure(row['peer_value'])} {row['unit']}", outcome]


def table(rows, columns):
    by_place = {(row["name"], row["peer"], distance(row)): row for row in rows}
    titles = {"far": "far: ", "near": "near: ", "any": ""}
    head = ["row", "peer"]
    for column in columns:
        head += [titles[column] + "ours : peer", titles[column] + "ratio (aim)"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    last = None
    for name, peer in dict.fromkeys((row["name"], row["peer"]) for row in rows):
        line = [name if name != last else "", peer or ""]
        last = name
        for column in columns:
            line += cells(by_place.get((name, peer, column)))
        lines.append("| " + " | ".join(line) + " |")
    return "\n".join(lines)


def main(arguments):
    if arguments[:1] == ["--merge"]:
        measured = [row for row in load(arguments[1:]) if row["value"] is not None]
        json.dump(merge(measured), sys.stdout, indent=1)
        print()
        return
    rows = load(arguments)
    lacking = {row["name"]: row["not_measured"] for row in rows if row["value"] is None}
    rows = merge([row for row in rows if row["value"] is not None])
    aims = [row for row in rows if row["target"] is not None]
    print(f"{sum(row['met'] for row in aims)} of {len(aims)} aims met.")
    for name, why in lacking.items():
        print(f"Not measured: {name} ({why}).")
    for prefix, title in GROUPS:
        group = [row for row in rows if row["name"].startswith(prefix + ".")]
        if group:
            print(f"\n### {title}")
        for columns in (["far", "near"], ["any"]):
            part = [row for row in group if distance(row) in columns]
            if part:
                print(f"\n{table(part, [c for c in columns if any(distance(r) == c for r in part)])}")


if __name__ == "__main__":
    main(sys.argv[1:])
