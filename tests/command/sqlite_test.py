# SPDX-License-Identifier: MIT
"""The database of sink.sqlite holds what sink.jsonl wrote, answers the questions of configs/README.md, and is whole after
the run was killed.

Use: sqlite_test.py STARFLOW GUIDE.md
"""

import json
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

STARFLOW, GUIDE = sys.argv[1:3]


def graph(frames):
    """A simulated sky into both sinks."""
    return {
        "format": "starflow.graph/1", "name": "database",
        "nodes": [
            {"id": "src", "type": "source.sky", "options": {"frames": frames, "stars": 40, "width": 300, "height": 200}},
            {"id": "det", "type": "detect", "in": {"frame": "src"}},
            {"id": "stars", "type": "centroid", "in": {"frame": "src", "detections": "det"}},
            {"id": "json", "type": "sink.jsonl", "in": {"stars": "stars"}, "options": {"path": "t.jsonl"}},
            {"id": "db", "type": "sink.sqlite", "in": {"stars": "stars"}, "options": {"path": "t.sqlite"}},
        ],
    }


class Database(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def start(self, frames):
        (self.path / "g.json").write_text(json.dumps(graph(frames)), encoding="utf-8")
        return subprocess.Popen([STARFLOW, "run", "g.json", "-q", "--force"], cwd=self.path,
                                stderr=subprocess.DEVNULL)

    def open(self, name):
        database = sqlite3.connect(self.path / name)
        self.addCleanup(database.close)
        database.row_factory = sqlite3.Row
        self.assertEqual([tuple(r) for r in database.execute("PRAGMA integrity_check")], [("ok",)])
        return database

    def test_it_holds_what_the_json_lines_hold(self):
        self.assertEqual(self.start(3).wait(), 0)
        records = [json.loads(line) for line in (self.path / "t.jsonl").read_text(encoding="utf-8").splitlines()]
        database = self.open("t.sqlite")
        rows = database.execute("SELECT * FROM stars ORDER BY rowid").fetchall()
        stars = [r for r in records if r["type"] == "star"]
        self.assertEqual(len(rows), len(stars))
        self.assertGreater(len(rows), 60)
        for row, star in zip(rows, stars):
            wanted = {**star, "flag_names": ";".join(star["flag_names"])}
            del wanted["type"]
            self.assertEqual(dict(row), wanted)
        frames = database.execute("SELECT frame_id, n_stars, background, outcome FROM frames").fetchall()
        self.assertEqual([dict(f) for f in frames],
                         [{k: r[k] for k in ("frame_id", "n_stars", "background", "outcome")}
                          for r in records if r["type"] == "frame"])
        run = [dict(r) for r in database.execute("SELECT complete, frames, stars FROM runs")]
        self.assertEqual(run, [{"complete": 1, "frames": 3, "stars": len(stars)}])
        self.assertEqual([p.name for p in self.path.glob("t.sqlite?*")], [])

    def test_it_answers_the_questions_of_the_guide(self):
        self.assertEqual(self.start(3).wait(), 0)
        database = self.open("t.sqlite")
        block = re.search(r"```sql\n(.*?)```", pathlib.Path(GUIDE).read_text(encoding="utf-8"), re.S).group(1)
        answers = [database.execute(q).fetchall() for q in re.sub(r"--.*", "", block).split(";") if q.strip()]
        self.assertEqual(len(answers), 3)
        self.assertEqual(len(answers[0]), 0)
        self.assertEqual(len(answers[1]), 3)
        self.assertGreater(len(answers[2]), 3)

    def test_a_killed_run_leaves_whole_frames_and_the_next_one_replaces_them(self):
        for wanted in (100_000, 200_000, 400_000):  # bytes: three moments
            run = self.start(100000)
            until = time.monotonic() + 40
            files = [self.path / "t.sqlite.part", self.path / "t.sqlite.part-wal"]
            while sum(f.stat().st_size for f in files if f.exists()) < wanted and time.monotonic() < until:
                time.sleep(0.005)
            run.send_signal(signal.SIGKILL)
            run.wait()
            database = self.open("t.sqlite.part")
            counts = database.execute("SELECT n_stars, (SELECT count(*) FROM stars s WHERE s.frame_id = f.frame_id)"
                                      " FROM frames f").fetchall()
            self.assertGreater(len(counts), 0)
            for told, there in counts:
                self.assertEqual(told, there)
            orphans = "SELECT count(*) FROM stars WHERE frame_id NOT IN (SELECT frame_id FROM frames)"
            self.assertEqual(database.execute(orphans).fetchone()[0], 0)
            self.assertEqual(database.execute("SELECT complete FROM runs").fetchone()[0], 0)
            database.close()
        self.assertEqual(self.start(2).wait(), 0)
        self.assertEqual(self.open("t.sqlite").execute("SELECT count(*) FROM frames").fetchone()[0], 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
