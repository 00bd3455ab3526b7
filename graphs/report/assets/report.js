// SPDX-License-Identifier: MIT
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const count = data.id.length;
  const all = Array.from({ length: count }, (_, i) => i);
  const byId = (name) => document.getElementById(name);
  const make = (tag, parent, text) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    parent.append(element);
    return element;
  };
  const fileName = (path) => path.slice(path.lastIndexOf("/", path.length - 2) + 1);
  const round = (v, digits = 4) => (v === null || v === undefined ? "–" : String(Number(v.toPrecision(digits))));
  const timeText = (s) => (s === null ? "–" : new Date(s * 1000).toISOString().slice(0, 19).replace("T", " "));

  // The charts: one below the other, with one pointer and one zoom.
  const quantities = [
    { key: "fwhm", title: "FWHM, px" },
    { key: "ellipticity", title: "ellipticity" },
    { key: "stars", title: "stars" },
    { key: "background", title: "background, " + data.unit },
    { key: "noise", title: "noise of a pixel, " + data.unit },
  ].filter((q) => data[q.key].some((v) => v !== null));
  const timed = all.filter((i) => data.time[i] !== null);
  const axes = [{ name: "frame number", frames: all, x: (i) => data.id[i], time: false }];
  if (timed.length > 1) axes.unshift({ name: "time (UTC)", frames: timed, x: (i) => data.time[i], time: true });
  const wholeSteps = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].flatMap((power) => [power, 2 * power, 5 * power]);
  let plots = [];

  /// Hours and minutes, with the date below where it is another one; dates alone where ticks are days apart.
  function timeTicks(_, ticks, _axis, _space, step) {
    let day = "";
    return ticks.map((s) => {
      const [date, time] = timeText(s).split(" ");
      if (step >= 86400) return date;
      const text = (step < 60 ? time : time.slice(0, 5)) + (date === day ? "" : "\n" + date);
      day = date;
      return text;
    });
  }

  function failedTicks(frames, x) {
    return (plot) => {
      const { left, top, width, height } = plot.bbox;
      plot.ctx.save();
      plot.ctx.fillStyle = "#d55e00";
      for (const i of frames) {
        if (data.stars[i] !== null) continue;
        const at = plot.valToPos(x(i), "x", true);
        if (at >= left && at <= left + width) plot.ctx.fillRect(Math.round(at), top + height - 9 * devicePixelRatio, Math.max(1, devicePixelRatio), 9 * devicePixelRatio);
      }
      plot.ctx.restore();
    };
  }

  function drawCharts(axis) {
    for (const plot of plots) plot.destroy();
    byId("charts").replaceChildren();
    const frames = axis.frames.slice().sort((a, b) => axis.x(a) - axis.x(b));
    const xs = frames.map(axis.x);
    byId("failed").hidden = frames.every((i) => data.stars[i] !== null);
    plots = quantities.map((q) => {
      const box = make("div", byId("charts"));
      box.className = "plot";
      return new uPlot({
        title: q.title,
        width: byId("charts").clientWidth,
        height: 150,
        tzDate: (s) => uPlot.tzDate(new Date(s * 1000), "Etc/UTC"),
        scales: { x: { time: axis.time } },
        cursor: { sync: { key: "frames" }, drag: { x: true, y: false } },
        hooks: { draw: [failedTicks(frames, axis.x)] },
        axes: [{ size: axis.time ? 46 : 34, space: 76, ...(axis.time ? {} : { incrs: wholeSteps }), ...(axis.time ? { values: timeTicks } : {}), stroke: "#5d6670", grid: { stroke: "#e6e9ed", width: 1 } },
               { size: 62, space: 24, stroke: "#5d6670", grid: { stroke: "#e6e9ed", width: 1 }, values: (_, ticks) => ticks.map((v) => round(v, 6)) }],
        series: [
          { label: "frame", value: (_u, _v, _s, at) => (at === null || at === undefined ? "–" : "#" + data.id[frames[at]] + " " + fileName(data.source[frames[at]]).slice(0, 48)) },
          { label: q.title.split(",")[0], stroke: "#0b62a4", width: 1.2, points: { show: count <= 300, size: 5, fill: "#0b62a4" }, value: (_, v) => round(v, 5) },
        ],
      }, [xs, frames.map((i) => data[q.key][i])], box);
    });
    document.documentElement.dataset.charts = plots.length;
  }

  axes.forEach((axis, at) => {
    const label = make("label", byId("axis"));
    const radio = make("input", label);
    radio.type = "radio";
    radio.name = "axis";
    radio.checked = at === 0;
    radio.onchange = () => drawCharts(axis);
    label.append(" " + axis.name);
  });
  if (quantities.length === 0 || count < 2) byId("time").remove();
  else drawCharts(axes[0]);
  addEventListener("resize", () => plots.forEach((p) => p.setSize({ width: byId("charts").clientWidth, height: 150 })));

  // The table: sorted, filtered, and a page of it shown at a time.
  const columns = [
    { name: "#", key: "id", number: true, show: (v) => v },
    { name: "frame", key: "source", show: fileName, className: "file" },
    { name: "outcome", key: "outcome", show: (v) => v },
    { name: "stars", key: "stars", number: true, show: (v) => (v === null ? "–" : v) },
    { name: "left out", key: "left_out", number: true, show: (v) => v },
    { name: "FWHM", key: "fwhm", number: true, show: (v) => round(v) },
    { name: "ellipticity", key: "ellipticity", number: true, show: (v) => round(v, 3) },
    { name: "background", key: "background", number: true, show: (v) => round(v, 5) },
    { name: "noise", key: "noise", number: true, show: (v) => round(v) },
    { name: "time (UTC)", key: "time", show: timeText },
    { name: "error", key: "error", show: (v) => v },
  ].filter((c) => !["time", "error"].includes(c.key) || data[c.key].some((v) => v));
  const pageRows = 100;
  let sorted = { column: columns[0], down: false };
  let rows = all, first = 0;

  function select() {
    const words = byId("filter").value.toLowerCase(), outcome = byId("outcome").value;
    rows = all.filter((i) => (outcome === "" || data.outcome[i] === outcome) &&
      (words === "" || ("#" + data.id[i] + " " + data.source[i] + " " + data.error[i]).toLowerCase().includes(words)));
    const values = data[sorted.column.key], way = sorted.down ? -1 : 1;
    rows.sort((a, b) => {
      const u = values[a], v = values[b];
      if (u === null || v === null) return u === v ? a - b : u === null ? 1 : -1;  // what is not known stands last
      return u < v ? -way : u > v ? way : a - b;
    });
    first = 0;
    show();
  }

  function show() {
    const body = byId("table").tBodies[0];
    body.replaceChildren();
    for (const i of rows.slice(first, first + pageRows)) {
      const row = make("tr", body);
      for (const c of columns) {
        const cell = make("td", row, c.show(data[c.key][i]));
        cell.className = c.key === "outcome" ? data.outcome[i] : c.number ? "n" : c.className || "";
        if (c.key === "source") cell.title = data.source[i];
      }
    }
    byId("shown").textContent = rows.length.toLocaleString("en") + " of " + count.toLocaleString("en") + " frames";
    byId("part").textContent = rows.length === 0 ? "none" : (first + 1) + "–" + Math.min(first + pageRows, rows.length);
    byId("back").disabled = first === 0;
    byId("on").disabled = first + pageRows >= rows.length;
  }

  const head = make("tr", byId("table").tHead);
  for (const c of columns) {
    const cell = make("th", head, c.name);
    cell.className = c.number ? "n" : "";
    if (c === sorted.column) cell.ariaSort = "ascending";
    cell.onclick = () => {
      sorted = { column: c, down: sorted.column === c && !sorted.down };
      for (const other of head.cells) other.ariaSort = null;
      cell.ariaSort = sorted.down ? "descending" : "ascending";
      select();
    };
  }
  make("option", byId("outcome"), "every outcome").value = "";
  for (const name of new Set(data.outcome)) make("option", byId("outcome"), name).value = name;
  byId("filter").oninput = select;
  byId("outcome").onchange = select;
  byId("back").onclick = () => { first -= pageRows; show(); };
  byId("on").onclick = () => { first += pageRows; show(); };
  select();
  document.documentElement.dataset.rows = count;
})();
