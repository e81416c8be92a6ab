#!/usr/bin/env python3
"""Makes the example data from the npm package vega-datasets: convert.py PACKAGE_FOLDER OUTPUT_FOLDER."""

import csv
import json
import pathlib
import sys


def weather(source, target):
    """One line a reading, as a station reports them, in place of one line an hour."""
    sensors = {"pressure": "hPa", "temperature": "C", "wind": "m/s"}
    with open(source, newline="") as rows, open(target, "w", newline="") as out:
        write = csv.writer(out, lineterminator="\n").writerow
        write(["time", "station", "sensor", "value", "unit"])
        for row in csv.DictReader(rows):
            for sensor, unit in sensors.items():
                write([row["date"], "seattle", sensor, row[sensor], unit])


def earthquakes(source, target):
    """One GeoJSON feature a line, oldest first, without its links and internal lists."""
    kept = ["mag", "magType", "place", "time", "updated", "status", "tsunami", "sig", "alert", "felt", "net", "type"]
    features = json.load(open(source))["features"]
    with open(target, "w") as out:
        for feature in sorted(features, key=lambda f: f["properties"]["time"]):
            longitude, latitude, depth = feature["geometry"]["coordinates"]
            record = {"id": feature["id"]}
            record |= {name: feature["properties"][name] for name in kept}
            record |= {"longitude": longitude, "latitude": latitude, "depth": depth}
            out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def birdstrikes(source, target):
    """Columns with short names; rows as they are."""
    names = ["airport", "aircraft", "damage", "date", "operator", "state", "phase", "size", "species", "time_of_day",
             "cost_other", "cost_repair", "cost_total", "speed_knots"]
    with open(source, newline="") as rows, open(target, "w", newline="") as out:
        reader = csv.reader(rows)
        next(reader)
        write = csv.writer(out, lineterminator="\n").writerow
        write(names)
        for row in reader:
            write(row)


def main():
    package, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    weather(package / "data/seattle-weather-hourly-normals.csv", out / "seattle-weather.csv")
    earthquakes(package / "data/earthquakes.json", out / "earthquakes.ndjson")
    birdstrikes(package / "data/birdstrikes.csv", out / "birdstrikes.csv")


main()
