# SPDX-License-Identifier: MIT
"""2,000 mixed frames through ten random SIGKILLs give what an undisturbed run gives.

Use: resume_many_test.py STARFLOW
"""

import json
import pathlib
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

try:
    import numpy
    from astropy.io import fits
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

STARFLOW = sys.argv[1]
FRAMES, KILLS, SEED = 2000, 10, 20261123
SINKS = {"json": ("sink.jsonl", "t.jsonl"), "fits": ("sink.fits", "t.fit"), "csv": ("sink.csv", "t.csv"),
         "db": ("sink.sqlite", "t.sqlite")}
GRAPH = {
    "format": "starflow.graph/1", "name": "many",
    "nodes": [
        {"id": "src", "type": "source.files", "options": {"paths": "../in"}},
        {"id": "det", "type": "detect", "in": {"frame": "src"}},
        {"id": "stars", "type": "centroid", "in": {"frame": "src", "detections": "det"}},
    ] + [{"id": i, "type": t, "in": {"stars": "stars"}, "options": {"path": p}} for i, (t, p) in SINKS.items()],
}


def png(pixels):
    """16-bit grey (PNG specification, 2nd edition)."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    height, width = pixels.shape

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def tiff(pixels):
    """16-bit grey, one strip (TIFF 6.0, sections 2 and 4)."""
    height, width = pixels.shape
    data = pixels.astype("<u2").tobytes()
    tags = [(256, width), (257, height), (258, 16), (259, 1), (262, 1), (273, 8), (277, 1), (278, height), (279, len(data))]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", t, 4, 1, v) for t, v in tags) + bytes(4)
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + directory


def write_frames(folder):
    draw = numpy.random.default_rng(SEED)
    y, x = numpy.mgrid[:64, :80]
    for i in range(FRAMES):
        sky = draw.normal(300, 6, x.shape)
        for _ in range(i % 7):
            sky += draw.uniform(200, 9000) * numpy.exp(-((x - draw.uniform(4, 75)) ** 2 + (y - draw.uniform(4, 59)) ** 2) / 4)
        pixels = numpy.clip(sky, 0, 65535).astype("u2")
        name = folder / f"n{i}"
        if i % 33 == 5:  # 3 % are broken: cut short, empty, something else
            fits.PrimaryHDU(pixels).writeto(name.with_suffix(".fits"))
            whole = name.with_suffix(".fits").read_bytes()
            name.with_suffix(".fits").write_bytes((whole[:4000], b"", b"not a frame")[i % 3])
        elif i % 4 == 0:
            fits.PrimaryHDU(pixels).writeto(name.with_suffix(".fits"))
        elif i % 4 == 1:
            fits.CompImageHDU(pixels).writeto(f"{name}.fits.fz")
        elif i % 4 == 2:
            name.with_suffix(".tif").write_bytes(tiff(pixels))
        else:
            name.with_suffix(".png").write_bytes(png(pixels))


def sorted_dump(path):
    database = sqlite3.connect(path)
    try:
        return sorted(database.iterdump())
    finally:
        database.close()


class ManyFrames(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name)
        for name in ("in", "whole", "killed"):
            (self.path / name).mkdir()
        write_frames(self.path / "in")
        (self.path / "g.json").write_text(json.dumps(GRAPH), encoding="utf-8")

    def start(self, folder, *more):
        return subprocess.Popen([STARFLOW, "run", "../g.json", "-q", "--log-level", "error", *more],
                                cwd=self.path / folder, stderr=subprocess.DEVNULL)

    def frames_done(self):
        journal = self.path / "killed" / "t.jsonl.journal"
        lines = journal.read_bytes().split(b"\n")[:-1] if journal.exists() else []
        return json.loads(lines[-1]).get("frames", 0) if lines else 0

    def kill_at(self, frames, draw):
        """Runs until as many frames are safe, and a random moment longer. Returns whether the run was killed."""
        run = self.start("killed", "--resume", "--set", "run.checkpoint_s=0.02")
        until = time.monotonic() + 120
        while run.poll() is None and self.frames_done() < frames and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.05))
        run.send_signal(signal.SIGKILL)
        return run.wait() == -signal.SIGKILL

    def test_ten_kills_change_nothing(self):
        began = time.monotonic()
        self.assertEqual(self.start("whole").wait(), 1)
        whole = time.monotonic() - began
        draw = random.Random(SEED)
        kills = sum(self.kill_at(frames, draw) for frames in sorted(draw.sample(range(FRAMES * 9 // 10), KILLS)))
        self.assertEqual(kills, KILLS)
        self.assertEqual(self.start("killed", "--resume").wait(), 1)
        print(f"undisturbed {whole:.1f} s; with {KILLS} kills {time.monotonic() - began - whole:.1f} s")
        for name in ("t.jsonl", "t.fit", "t.csv", "t_frames.csv"):
            got, wanted = ((self.path / folder / name).read_bytes() for folder in ("killed", "whole"))
            self.assertTrue(got == wanted, name)
        self.assertEqual(*(sorted_dump(self.path / folder / "t.sqlite") for folder in ("killed", "whole")))
        records = [json.loads(line) for line in (self.path / "killed" / "t.jsonl").read_text("utf-8").splitlines()]
        frames = [r for r in records if r["type"] == "frame"]
        self.assertEqual([f["frame_id"] for f in frames], list(range(FRAMES)))
        self.assertEqual(len({f["source"] for f in frames}), FRAMES)
        broken = {f["source"] for f in frames if f["outcome"] != "ok"}
        self.assertEqual(len(broken), len(range(5, FRAMES, 33)))
        self.assertGreater(sum(r["type"] == "star" for r in records), 2 * FRAMES)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
