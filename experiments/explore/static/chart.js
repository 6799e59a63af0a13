"use strict";
// The path of one region: bands, four lines, measured dots, required path and target. Text enters as text only.
const SVG = "http://www.w3.org/2000/svg";

function shape(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

const LINES = {
  none: { colour: "#6b6b6b", dash: "6 4", width: 1.6 },
  policy: { colour: "#0072b2", dash: "", width: 2.6 },
  "modified none": { colour: "#b0580b", dash: "6 4", width: 1.6 },
  "modified policy": { colour: "#d55e00", dash: "", width: 2.6 },
};

function ticks(bottom, top) {
  const raw = (top - bottom) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const found = [];
  for (let value = Math.ceil(bottom / step) * step; value <= top; value += step) found.push(Number(value.toPrecision(6)));
  return found;
}

// content: years, bands [[low, high], …] widest first, lines {name: values}, dots [[year, value]], goal {from, to, base, end, label}, unit
function drawPath(svg, content) {
  const W = 540, H = 330, left = 50, right = 14, top = 26, bottom = 26;
  const { years } = content;
  const all = [...content.bands.flat(2), ...Object.values(content.lines).flat(), ...content.dots.map((d) => d[1])];
  const known = all.filter(Number.isFinite);
  const highest = Math.max(...known, 1e-9) * 1.03;
  const lowest = Math.min(...known, highest / 2) * 0.9; // lines, not bars: the scale need not begin at zero
  const x = (year) => left + ((year - years[0]) / (years.at(-1) - years[0])) * (W - left - right);
  const y = (value) => H - bottom - ((value - lowest) / (highest - lowest)) * (H - top - bottom);
  const font = { "font-family": "'Tanlu Sans','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif", "font-size": 12 };
  const parts = [shape("rect", { width: W, height: H, fill: "#fff" })];
  for (const value of ticks(lowest, highest)) {
    parts.push(shape("line", { x1: left, x2: W - right, y1: y(value), y2: y(value), stroke: "#e6e6e6" }));
    parts.push(shape("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end", fill: "#444", ...font }, String(value)));
  }
  for (const year of years.filter((v) => v % 5 === 0 || v === years.at(-1))) {
    parts.push(shape("text", { x: x(year), y: H - 8, "text-anchor": year === years.at(-1) ? "end" : "middle", fill: "#444", ...font }, String(year)));
  }
  parts.push(shape("text", { x: 4, y: 14, fill: "#333", ...font }, content.unit));
  const blues = ["#dceaf4", "#b9d5e9", "#8fbcdb"];
  content.bands.forEach(([low, high], i) => {
    const there = years.map((year, k) => `${x(year).toFixed(1)},${y(high[k]).toFixed(1)}`);
    const back = years.map((year, k) => `${x(year).toFixed(1)},${y(low[k]).toFixed(1)}`).reverse();
    parts.push(shape("polygon", { points: [...there, ...back].join(" "), fill: blues[i] }));
  });
  for (const [name, values] of Object.entries(content.lines)) {
    const look = LINES[name];
    const points = years.map((year, k) => `${x(year).toFixed(1)},${y(values[k]).toFixed(1)}`).join(" ");
    parts.push(shape("polyline", { points, fill: "none", stroke: look.colour, "stroke-width": look.width, "stroke-dasharray": look.dash }));
  }
  for (const [year, value] of content.dots) {
    if (year <= years.at(-1)) parts.push(shape("circle", { cx: x(year), cy: y(value), r: 3.4, fill: "#222", stroke: "#fff", "stroke-width": 0.6 }));
  }
  const goal = content.goal;
  parts.push(shape("line", { x1: x(goal.base), y1: y(goal.from), x2: x(goal.end), y2: y(goal.to), stroke: "#a6261d", "stroke-width": 1.8, "stroke-dasharray": "2 4" }));
  const gx = x(goal.end), gy = y(goal.to);
  parts.push(shape("line", { x1: gx, x2: gx, y1: gy, y2: H - bottom - 22, stroke: "#a6261d", "stroke-width": 0.8 }));
  parts.push(shape("path", { d: `M${gx} ${gy - 6}l6 6l-6 6l-6 -6z`, fill: "#a6261d", stroke: "#fff" }));
  parts.push(shape("text", { x: gx - 2, y: H - bottom - 8, "text-anchor": "end", fill: "#a6261d", ...font }, goal.label));
  svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
  svg.replaceChildren(...parts);
}
