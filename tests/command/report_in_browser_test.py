# SPDX-License-Identifier: MIT
"""The page of `starflow report` in a browser without a network: no error, its charts drawn, its table at work.

Use: report_in_browser_test.py STARFLOW
"""

import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

STARFLOW = sys.argv[1]
BROWSER = shutil.which("chromium")

# Runs in a copy of the page, after its own script, and leaves what it saw in the document.
PROBE = """<script>
const seen = {canvases: [], marks: document.querySelectorAll("svg rect[fill], svg .whisker").length,
              rows: document.querySelectorAll("#table tbody tr").length};
for (const canvas of document.querySelectorAll("#charts canvas")) {
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let blue = 0;
  for (let i = 0; i < data.length; i += 4) blue += data[i + 3] > 100 && data[i] < 60 && data[i + 2] > 120;
  seen.canvases.push(blue);
}
const header = [...document.querySelectorAll("#table th")].find((th) => th.textContent === "FWHM");
header.click();
header.click();
seen.widest = document.querySelector("#table tbody tr").textContent;
document.getElementById("filter").value = "frame_7.";
document.getElementById("filter").oninput();
seen.found = document.querySelectorAll("#table tbody tr").length;
seen.markup = document.querySelectorAll("#table b").length;
seen.wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
seen.charts = document.documentElement.dataset.charts;
const out = document.createElement("pre");
out.id = "seen";
out.textContent = JSON.stringify(seen);
document.body.append(out);
</script></body>"""


def night(frames, stars):
    """Records of a run: every tenth frame failed, frame 3 has the widest stars."""
    lines = []
    for i in range(frames):
        frame = {"type": "frame", "frame_id": i, "source": f"raw/<b>frame_{i}.fits", "outcome": "ok", "errors": [],
                 "n_stars": stars, "rejected": {"hot_pixel": 2}, "background": 200 + math.sin(i / 9), "noise": 10 + i % 3,
                 "fwhm": 9 if i == 3 else 3 + 0.1 * math.sin(i / 5), "width": 900, "height": 600, "unit": "ADU",
                 "t_mid": f"2026-01-01T{i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d}", "exposure_s": 1, "coords": "frame"}
        if i % 10 == 9:
            frame |= {"outcome": "failed", "n_stars": None, "fwhm": None, "background": None, "noise": None,
                      "errors": [{"node": "src", "code": "fits.truncated", "text": "is cut <script>x</script>"}]}
        lines.append(json.dumps(frame))
        for k in range(stars if frame["n_stars"] else 0):
            snr = 20 + 7 * k
            lines.append(json.dumps({"type": "star", "frame_id": i, "id": k, "x": 37 * k % 900, "y": 61 * k % 600,
                                     "x_err": 1 / snr, "y_err": 1 / snr, "snr": snr, "fwhm": 3 + k / 100,
                                     "ellipticity": 0.05 + k / 1000, "theta": k, "flags": 16 if k % 9 == 0 else 0}))
    return "\n".join(lines) + "\n"


@unittest.skipIf(BROWSER is None, "chromium is not installed")
class Page(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)  # the browser may still tidy up in it
        self.addCleanup(self.folder.cleanup)
        self.path = pathlib.Path(self.folder.name)

    def page_of(self, records):
        (self.path / "r.jsonl").write_text(records, encoding="utf-8")
        subprocess.run([STARFLOW, "report", "r.jsonl", "-q", "--force"], cwd=self.path, check=True)
        return (self.path / "report.html").read_text(encoding="utf-8")

    def open(self, page):
        """What the probe saw, and what the browser complained of."""
        (self.path / "probe.html").write_text(page.replace("</body>", PROBE), encoding="utf-8")
        run = subprocess.run(
            [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900",
             "--enable-logging=stderr",
             "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={self.path}/profile", "--virtual-time-budget=5000",
             "--dump-dom", (self.path / "probe.html").as_uri()],
            capture_output=True, text=True, check=False, timeout=90)
        found = re.search(r'<pre id="seen">(.*?)</pre>', run.stdout, re.DOTALL)
        self.assertIsNotNone(found, run.stderr[-2000:])
        complaints = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
        return json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")), complaints

    def check(self, frames, stars):
        seen, complaints = self.open(self.page_of(night(frames, stars)))
        self.assertEqual(complaints, [])
        self.assertEqual(seen["charts"], "5")
        self.assertEqual(len(seen["canvases"]), 5)
        for blue in seen["canvases"]:
            self.assertGreater(blue, 100, "a chart is empty")
        self.assertGreater(seen["marks"], 20)
        self.assertEqual(seen["rows"], min(frames, 100))
        self.assertTrue(seen["widest"].startswith("3<b>frame_3.fits"), seen["widest"])
        self.assertEqual(seen["found"], 1)
        self.assertEqual(seen["markup"], 0)
        self.assertFalse(seen["wide"], "the page scrolls sideways")

    def test_it_works_with_some_frames(self):
        self.check(20, 60)

    def test_it_works_with_ten_thousand_frames(self):
        self.check(10_000, 3)

    def test_an_error_on_the_page_would_be_seen(self):
        page = self.page_of(night(20, 10)).replace("</main>", "</main><script>nothing.at.all()</script><img src=http://nowhere/x>")
        complaints = "\n".join(self.open(page)[1])
        self.assertIn("nothing is not defined", complaints)
        self.assertIn("Content Security Policy", complaints)


if __name__ == "__main__":
    if BROWSER is None:
        print("chromium is not installed")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
