# SPDX-License-Identifier: MIT
"""astropy reads the tables of sink.csv (ECSV) and sink.fits with their units, and finds in them what sink.jsonl wrote.

Use: tables_in_astropy_test.py STARFLOW. Exits with 77 where there is no astropy.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

PYTHON = "/usr/bin/python3"  # Debian's astropy belongs to it

GRAPH = {
    "format": "starflow.graph/1", "name": "tables",
    "nodes": [
        {"id": "src", "type": "source.sky", "options": {"frames": 2, "stars": 60, "width": 400, "height": 300}},
        {"id": "det", "type": "detect", "in": {"frame": "src"}},
        {"id": "stars", "type": "centroid", "in": {"frame": "src", "detections": "det"}},
        {"id": "json", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "t.jsonl"}},
        {"id": "ecsv", "type": "sink.csv", "in": {"stars": "stars"}, "options": {"path": "t.ecsv"}},
        {"id": "fits", "type": "sink.fits", "in": {"stars": "stars"}, "options": {"path": "t.fits"}},
    ],
}

UNITS = {"x": "pix", "xy_cov": "pix2", "flux": "adu", "theta": "deg", "snr": None}


def same(cell, value):
    """Whether a cell of a table is what the JSON has."""
    if value is None:
        return str(cell) in ("--", "nan")
    if isinstance(value, list):
        return str(cell).replace("--", "") == ";".join(value)
    return str(cell).strip() == value if isinstance(value, str) else cell == value


def compare(table, records):
    """Every cell of the table against the records, in order."""
    assert len(table) == len(records), (len(table), len(records))
    for row, record in zip(table, records):
        for name in table.colnames:
            assert same(row[name], record[name]), (name, row[name], record[name])
    for name, unit in UNITS.items():
        assert (None if table[name].unit is None else table[name].unit.to_string()) == unit, (name, table[name].unit)


def judge(folder):
    """Reads what the run left; in the interpreter that has astropy."""
    from astropy.io import fits
    from astropy.table import Table

    records = [json.loads(line) for line in (folder / "t.jsonl").read_text(encoding="utf-8").splitlines()]
    stars = [r for r in records if r["type"] == "star"]
    frames = [r for r in records if r["type"] == "frame"]
    assert len(frames) == 2 and len(stars) > 60, len(stars)
    with fits.open(folder / "t.fits") as file:
        file.verify("exception")
        assert [hdu.name for hdu in file] == ["PRIMARY", "STARS", "FRAMES"]
    compare(Table.read(folder / "t.ecsv", format="ascii.ecsv"), stars)
    compare(Table.read(folder / "t.fits", hdu="STARS"), stars)
    for table in (Table.read(folder / "t_frames.ecsv", format="ascii.ecsv"), Table.read(folder / "t.fits", hdu="FRAMES")):
        assert list(table["n_stars"]) == [f["n_stars"] for f in frames]
        assert list(table["background"]) == [f["background"] for f in frames]


def main():
    if len(sys.argv) == 3:
        judge(pathlib.Path(sys.argv[2]))
        return 0
    if subprocess.run([PYTHON, "-c", "import astropy"], check=False, capture_output=True).returncode != 0:
        print("skipped: no astropy")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "g.json").write_text(json.dumps(GRAPH), encoding="utf-8")
        subprocess.run([sys.argv[1], "run", "g.json", "-q"], cwd=folder, check=True)
        return subprocess.run([PYTHON, "-B", "-W", "error", __file__, sys.argv[1], folder], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
