// What the report computes in the page: quantiles of the chi2 distribution, contours and intervals of stored grids. Counts
// and chi2 are stored.
"use strict";
const cevnsi = (() => {
  const BLUE = "#0072B2", VERMILION = "#D55E00", BLACK = "#000000", SKY = "#56B4E9", GREY = "#666666";
  const SHADES = [[0, "#9a9a9a"], [0.25, "#bdbdbd"], [0.5, "#d6d6d6"], [0.8, "#eeeeee"], [1, "#fafafa"]]; // colours are the lines'

  // ---- numbers -----------------------------------------------------------------------------------------------------
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
  const doubles = (text) => new Float64Array(bytes(text));
  const MOST = 65.535; // of delta chi2 as it is stored, in thousandths
  const thousandths = (text) => Float64Array.from(new Uint16Array(bytes(text)), (v) => v / 1000);
  const floats = (text) => new Float32Array(bytes(text));
  const PARTS = 65535; // that counts, and points of a line along an axis, are stored in
  const sum = (values) => values.reduce((a, b) => a + b, 0);

  // log of the gamma function at whole and half numbers, all that degrees of freedom need
  function logGamma(a) {
    let sum = a % 1 ? Math.log(Math.PI) / 2 : 0;
    for (let k = a % 1 ? 0.5 : 1; k < a; k += 1) sum += Math.log(k);
    return sum;
  }

  // Probability that chi2 with n degrees of freedom is below x: the lower incomplete gamma function's series.
  function chi2Probability(x, n) {
    const a = n / 2, z = x / 2;
    let term = 1 / a, sum = term;
    for (let k = 1; k < 1000 && term > 1e-17 * sum; k += 1) { term *= z / (a + k); sum += term; }
    return sum * Math.exp(a * Math.log(z) - z - logGamma(a));
  }

  function threshold(level, n) {
    if (n === 2) return -2 * Math.log1p(-level);
    let low = 0, high = 1;
    while (chi2Probability(high, n) < level) high *= 2;
    for (let k = 0; k < 100; k += 1) {
      const middle = (low + high) / 2;
      if (chi2Probability(middle, n) < level) low = middle; else high = middle;
    }
    return (low + high) / 2;
  }

  // Intervals where straight lines between the points of a curve lie below a level, in log10 along a log axis.
  function intervals(axis, curve, level, log) {
    const at = log ? Math.log10 : (v) => v, back = log ? (v) => 10 ** v : (v) => v;
    const found = [];
    let low = curve[0] < level ? axis[0] : null, open = low !== null;
    for (let i = 1; i < axis.length; i += 1) {
      const a = curve[i - 1], b = curve[i];
      if ((a < level) === (b < level)) continue;
      const x = back(at(axis[i - 1]) + (level - a) / (b - a) * (at(axis[i]) - at(axis[i - 1])));
      if (b < level) { low = x; open = false; } else { found.push([low, x, open, false]); low = null; open = false; }
    }
    if (low !== null) found.push([low, axis[axis.length - 1], open, true]);
    return found;
  }

  // Counts by flavor and bin at one step of the sliders.
  function countsAt(stored, at) {
    const bins = stored.edges.length - 1, each = stored.flavors.length * bins;
    const parts = new Uint16Array(bytes(stored.counts)).subarray(at * each, (at + 1) * each), largest = floats(stored.largest)[at];
    return stored.flavors.map((_, k) => Array.from(parts.subarray(k * bins, (k + 1) * bins), (v) => v * largest / PARTS));
  }

  // ---- words -------------------------------------------------------------------------------------------------------
  const minus = (text) => text.replace(/-/g, "−");
  function say(value, digits = 4) {
    if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)) {
      const [factor, exponent] = value.toExponential(digits - 2).split("e");
      return `${minus(String(Number(factor)))} × 10<sup>${minus(String(Number(exponent)))}</sup>`;
    }
    return minus(String(Number(value.toPrecision(digits))));
  }
  const choose = (root, name) => root.querySelector(`[data-${name}]`);
  const narrow = () => window.matchMedia("(max-width: 640px)").matches;

  // ---- plots -------------------------------------------------------------------------------------------------------
  const CONFIG = { responsive: true, displayModeBar: false, doubleClick: false, showTips: false };
  const axisStyle = (title, more) => ({
    title: { text: title, standoff: 8 }, ticks: "outside", showline: true, mirror: true, linecolor: GREY,
    zeroline: false, fixedrange: true, automargin: true, exponentformat: "power", ...more,
  });
  const layoutStyle = () => ({
    margin: { l: 60, r: 12, t: 10, b: 50 }, dragmode: false, font: { family: "system-ui, DejaVu Sans, sans-serif", size: narrow() ? 12 : 14 },
    paper_bgcolor: "#fff", plot_bgcolor: "#fff", hoverlabel: { bgcolor: "#fff", bordercolor: GREY, font: { color: BLACK } },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 12 } },
  });

  // Points of a stored line, from parts of the axes to values.
  function points(stored, text) {
    const parts = Array.from(new Uint16Array(bytes(text)));
    return stored.axes.map(doubles).map((axis, i) => {
      const [low, high] = [axis[0], axis[axis.length - 1]].map(stored.log[i] ? Math.log10 : (v) => v);
      const at = (part) => low + (high - low) * part / PARTS;
      return parts.filter((_, k) => k % 2 === i).map((part) => (stored.log[i] ? 10 ** at(part) : at(part)));
    });
  }

  // Delta chi2 of one analysis on the points of a scan that the page has, unpacked when it is first looked at.
  const unpacked = new Map();
  function map(stored, shown) {
    if (!unpacked.has(shown)) {
      const [x, y] = stored.kept.map((axis) => Array.from(doubles(axis))), flat = thousandths(shown.z);
      unpacked.set(shown, { x, y, z: y.map((_, j) => Array.from(flat.subarray(j * x.length, (j + 1) * x.length))) });
    }
    return unpacked.get(shown);
  }

  class ScanPlot {
    constructor(root, stored, scans) {
      Object.assign(this, { root, stored, scans, canvas: root.querySelector(".canvas") });
      this.controls = { analysis: choose(root, "analysis"), dof: choose(root, "dof"), level: choose(root, "level"), method: choose(root, "method") };
      this.boxes = [...root.querySelectorAll("[data-over]")];
      this.controls.analysis.addEventListener("input", () => { this.load(); this.draw(); });
      this.controls.method.addEventListener("input", () => { this.settle(); this.draw(); });
      for (const name of ["dof", "level"]) this.controls[name].addEventListener("input", () => this.move());
      for (const box of this.boxes) box.addEventListener("input", () => this.draw());
      this.canvas.addEventListener("keydown", (event) => this.key(event));
      this.load();
      this.draw();
      this.canvas.on("plotly_hover", ({ points: [point] }) => {
        if (point.curveNumber === 0) this.probe(point.pointIndex[1], point.pointIndex[0]);
      });
    }

    load() {
      const { stored } = this, shown = stored.shown[Number(this.controls.analysis.value)];
      const { x, y, z } = map(stored, shown), axes = stored.axes.map(doubles), profiles = shown.profiles.map(doubles);
      Object.assign(this, { shown, x, y, z, axes, profiles });
      const near = (axis, value) => axis.reduce((best, v, i) => (Math.abs(v - value) < Math.abs(axis[best] - value) ? i : best), 0);
      this.at = [near(x, shown.lowest[0]), near(y, shown.lowest[1])];
      this.boxes.forEach((box, i) => {
        const { scan, place } = stored.over[i];
        box.disabled = this.scans[scan].shown[place] === shown; // it is drawn already
        box.closest("label").hidden = box.disabled;
      });
      this.settle();
    }

    // What can be chosen: toys have been drawn at some levels, of all parameters of a grid together.
    settle() {
      const { method, dof, level } = this.controls, { measured, untried } = this.shown;
      if (!measured) method.value = "wilks";
      method.disabled = !measured;
      choose(this.root, "untried").textContent = untried || "";
      dof.disabled = this.byToys;
      level.disabled = this.byToys && measured.length === 1;
    }

    get byToys() { return this.controls.method.value === "measured"; }
    get dof() { return this.byToys ? 2 : Number(this.controls.dof.value); }
    get level() {
      const set = Number((Number(this.controls.level.value) / 100).toFixed(6));
      if (!this.byToys) return set;
      return this.shown.measured.map((each) => each.level).reduce((a, b) => (Math.abs(b - set) < Math.abs(a - set) ? b : a));
    }

    measured(shown) { return (shown.measured || []).find((each) => each.level === this.level); }

    // What is drawn over the chosen analysis: the scan, the analysis and what it is called here.
    get over() {
      return this.boxes.flatMap((box, i) => {
        const { scan, place, called } = this.stored.over[i], stored = this.scans[scan];
        return box.checked && !box.disabled ? [{ stored, shown: stored.shown[place], called }] : [];
      });
    }

    line(stored, shown, called, width) {
      const { color } = shown, again = shown !== this.shown && shown.analysis === this.shown.analysis; // of another grid
      const look = { color, dash: again ? "dot" : shown.dash, width };
      if (this.byToys) {
        const found = this.measured(shown), x = [], y = [];
        for (const text of found ? found.lines : []) {
          const [more, andMore] = points(stored, text);
          x.push(...more, null); y.push(...andMore, null);
        }
        return { type: "scatter", mode: "lines", x, y, name: found ? called : `${called}: no toys`, line: look, hoverinfo: "skip", showlegend: true };
      }
      return {
        type: "contour", ...map(stored, shown), name: called, showlegend: true, showscale: false, autocontour: false, hoverinfo: "skip", connectgaps: false,
        contours: { coloring: "none", start: this.cut, end: this.cut, size: 1 }, line: { ...look, smoothing: 0 },
      };
    }

    traces() {
      const { x, y, z, shown, stored } = this, [first, second] = stored.names, [ux, uy] = stored.units;
      const chi2 = z.map((row) => row.map((value) => value + shown.least));
      const traces = [
        {
          type: "heatmap", x, y, z, customdata: chi2, zmin: 0, zmax: 12, colorscale: SHADES,
          colorbar: { title: { text: "Δχ<sup>2</sup>", side: "top" }, thickness: 12, len: 0.9, outlinewidth: 0, tickvals: [0, 3, 6, 9, 12], ticktext: ["0", "3", "6", "9", "≥ 12"] },
          hovertemplate: `${first} = %{x:.4g}${ux}<br>${second} = %{y:.4g}${uy}<br>χ<sup>2</sup> = %{customdata:.3f}<br>Δχ<sup>2</sup> = %{z:.3f}<extra></extra>`,
        },
        this.line(stored, shown, shown.analysis, 3),
        ...this.over.map((each) => this.line(each.stored, each.shown, each.called, 2)),
      ];
      if (shown.band) {
        const [low, high] = shown.band.map((edge) => Array.from(doubles(edge))), line = { color: SKY, dash: "dashdot", width: 2 };
        traces.push({ type: "scatter", mode: "lines", x, y: low, name: "muon g−2 band (2σ)", line, hoverinfo: "skip", showlegend: true });
        traces.push({ type: "scatter", mode: "lines", x, y: high, line, hoverinfo: "skip", showlegend: false });
      }
      const mark = (at, symbol, name, color) => ({ type: "scatter", mode: "markers", x: [at[0]], y: [at[1]], marker: { symbol, size: 11, color, line: { color, width: 2 } }, name, hoverinfo: "skip", showlegend: true, cliponaxis: false });
      if (stored.contact) traces.push(mark([0, 0], "cross-thin", "SM", BLACK));
      if (shown.best) traces.push(mark(shown.best, "x-thin", "best fit", shown.color));
      traces.push(mark([x[this.at[0]], y[this.at[1]]], "circle-open", "read out", BLACK));
      return traces;
    }

    draw() {
      const { stored } = this, axis = (i, values) => axisStyle(stored.names[i] + (stored.units[i] ? ` [${stored.units[i].trim()}]` : ""), {
        type: stored.log[i] ? "log" : "linear", range: [values[0], values[values.length - 1]].map(stored.log[i] ? Math.log10 : (v) => v),
        dtick: stored.log[i] ? 1 : undefined, nticks: narrow() ? 5 : 8, tickangle: 0,
      });
      this.cut = threshold(this.level, this.dof);
      Plotly.react(this.canvas, this.traces(), { ...layoutStyle(), xaxis: axis(0, this.x), yaxis: axis(1, this.y) }, CONFIG);
      this.tell();
      this.compare();
      this.read();
    }

    move() {
      if (this.byToys) { this.draw(); return; }
      this.cut = threshold(this.level, this.dof);
      const lines = this.canvas.data.flatMap((trace, i) => (trace.type === "contour" ? [i] : []));
      Plotly.restyle(this.canvas, { "contours.start": this.cut, "contours.end": this.cut }, lines);
      this.tell();
    }

    tell() {
      const { cut, stored, byToys } = this, percent = `${say(100 * this.level, 6)} %`;
      choose(this.root, "level-value").textContent = percent;
      this.controls.level.setAttribute("aria-valuetext", percent);
      this.region = byToys ? this.measured(this.shown).region
        : this.profiles.map((curve, i) => intervals(this.axes[i], curve, cut, stored.log[i]));
      const spans = this.region.map((found, i) => {
        const parts = found.map(([low, high, atLow, atHigh]) => `${atLow ? "≤ " : ""}${say(low)} to ${atHigh ? "≥ " : ""}${say(high)}`);
        return `${stored.names[i]} from ${parts.join(" or ") || "nowhere"}${stored.units[i]}`;
      });
      const where = byToys ? "Δχ<sup>2</sup> below its critical values by toys" : `Δχ<sup>2</sup> &lt; ${cut.toFixed(2)}`;
      choose(this.root, "region").innerHTML = byToys && !this.region.flat().length ? "" : `${where}: ${spans.join("; ")}.`;
    }

    // What another scan that is drawn over this one does otherwise.
    compare() {
      const { stored } = this, others = [...new Set(this.over.map((each) => each.stored))].filter((other) => other !== stored);
      const without = this.byToys ? this.over.filter((each) => !this.measured(each.shown)) : [];
      const missing = without.map(({ called, shown }) => `No line of ${called}: ${shown.untried || "it has other levels."}`);
      choose(this.root, "compared").innerHTML = missing.concat(others.map((other) => {
        const from = other.from === stored.from ? "" : ` Δχ<sup>2</sup> is from ${other.from}, here from ${stored.from}.`;
        const domain = other.domain === stored.domain ? " Its domain is the same." : ` ${other.domain}`;
        return `<code>${other.grid}</code> is another scan.${domain}${from}`;
      })).join(" ");
    }

    probe(i, j) {
      this.at = [i, j];
      const last = this.canvas.data.length - 1;
      Plotly.restyle(this.canvas, { x: [[this.x[i]]], y: [[this.y[j]]] }, [last]);
      this.read();
    }

    read() {
      const [i, j] = this.at, { stored } = this, delta = this.z[j][i];
      choose(this.root, "readout").innerHTML = `${stored.names[0]} = ${say(this.x[i])}${stored.units[0]}, ${stored.names[1]} = ${say(this.y[j])}${stored.units[1]}: χ<sup>2</sup> ${this.said(delta + this.shown.least, delta, 5)}, Δχ<sup>2</sup> ${this.said(delta, delta, 4)}`;
    }

    said(value, delta, digits) { return `${delta < MOST ? "=" : "≥"} ${say(value, digits)}`; }

    key(event) {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      const far = event.shiftKey ? 10 : 1, clip = (v, n) => Math.min(Math.max(v, 0), n - 1);
      this.probe(clip(this.at[0] + far * step[0], this.x.length), clip(this.at[1] + far * step[1], this.y.length));
    }
  }

  class SpectrumPlot {
    constructor(root, stored) {
      Object.assign(this, { root, all: stored, canvas: root.querySelector(".canvas") });
      this.controls = { analysis: choose(root, "analysis"), mass: choose(root, "mass"), coupling: choose(root, "coupling") };
      this.sliders.forEach((slider, i) => {
        slider.max = stored[0].steps[i].length - 1;
        slider.value = stored[0].start[i];
      });
      for (const input of Object.values(this.controls)) input.addEventListener("input", () => this.draw());
      this.draw();
    }

    get sliders() { return [this.controls.mass, this.controls.coupling]; }
    get stored() { return this.all[Number(this.controls.analysis.value)]; }

    draw() {
      const { stored } = this, steps = this.sliders.map((slider) => Number(slider.value));
      const [mass, coupling] = steps.map((k, i) => stored.steps[i][k]), at = steps[0] * stored.steps[1].length + steps[1];
      const cases = { SM: stored.standard.counts, mediator: countsAt(stored, at) };
      const order = ["nu_mu", "nu_mu_bar", "nu_e"], colors = [BLUE, VERMILION, BLACK];
      const words = ["ν<sub>μ</sub>", "+ ν̄<sub>μ</sub>", "+ ν<sub>e</sub>"];
      const traces = [];
      this.counts = cases;
      for (const [name, flavors] of Object.entries(cases)) {
        let total = new Array(stored.edges.length - 1).fill(0);
        order.forEach((flavor, k) => {
          total = total.map((v, i) => v + flavors[stored.flavors.indexOf(flavor)][i]);
          traces.push({
            type: "scatter", mode: "lines", x: stored.edges, y: [...total, total[total.length - 1]], name: `${words[k]}${name === "SM" ? " SM" : ""}`,
            line: { shape: "hv", color: colors[k], dash: name === "SM" ? "dash" : "solid", width: 2 }, hovertemplate: "%{y:.2f} events from %{x} PE<extra></extra>",
          });
        });
      }
      const centers = stored.observed.map((_, i) => (stored.edges[i] + stored.edges[i + 1]) / 2);
      traces.push({
        type: "scatter", mode: "markers", x: centers, y: stored.observed, name: "measured", marker: { color: GREY, size: 5 },
        error_y: { type: "data", array: stored.sigma, color: GREY, thickness: 1, width: 0 }, hovertemplate: "measured %{y} at %{x} PE<extra></extra>",
      });
      traces.push({
        type: "scatter", mode: "lines", x: stored.edges, y: [...stored.standard.fitted, stored.standard.fitted.slice(-1)[0]], name: "SM, its normalization fitted",
        line: { shape: "hv", color: GREY, dash: "dot", width: 2 }, hovertemplate: "%{y:.2f} events from %{x} PE<extra></extra>",
      });
      const layout = layoutStyle();
      Plotly.react(this.canvas, traces, {
        ...layout, xaxis: axisStyle("Photoelectrons", { range: [0, stored.edges[stored.edges.length - 1]] }),
        yaxis: axisStyle("Events per bin", { rangemode: "tozero" }), hovermode: "closest",
      }, CONFIG);
      const shown = { mass: `${say(mass)} MeV`, coupling: say(coupling) };
      for (const [name, text] of Object.entries(shown)) {
        choose(this.root, `${name}-value`).innerHTML = text;
        this.controls[name].setAttribute("aria-valuetext", text.replace(/<\/?sup>/g, (tag) => (tag === "<sup>" ? " to the " : "")));
      }
      this.found = { mass, coupling, chi2: floats(stored.chi2)[at], pull: floats(stored.pull)[at] };
      const events = (name) => say(sum(cases[name].flat()), 4), { chi2, pull } = this.found;
      choose(this.root, "readout").innerHTML = `M<sub>Z′</sub> = ${shown.mass}, g = ${shown.coupling}: ${events("mediator")} events (SM ${events("SM")}), χ<sup>2</sup> = ${say(chi2, 5)} (SM ${say(stored.standard.chi2, 5)}), pull ${say(pull, 3)}`;
    }
  }

  const parse = (id) => JSON.parse(document.getElementById(id).textContent);
  const plots = {};
  function start() {
    const scans = parse("scans");
    const todo = [...document.querySelectorAll("[data-spectrum]")].map((root) => () => { plots.spectrum = new SpectrumPlot(root, parse("spectra")); });
    for (const root of document.querySelectorAll("[data-scan]")) {
      const stored = scans[Number(root.dataset.scan)];
      todo.push(() => { plots[stored.grid] = new ScanPlot(root, stored, scans); });
    }
    todo.push(() => { document.documentElement.dataset.ready = "yes"; });
    const next = () => { todo.shift()(); if (todo.length) setTimeout(next, 0); }; // one by one, so that the page stays at hand
    next();
  }
  return { threshold, intervals, plots, start };
})();
cevnsi.start();
