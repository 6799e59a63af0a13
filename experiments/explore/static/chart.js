"use strict";
// The path of one region: bands, lines of scenarios, measured dots, target. Text enters as text only.
const SVG = "http://www.w3.org/2000/svg";

function shape(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function ticks(bottom, top) {
  const raw = (top - bottom) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const found = [];
  for (let value = Math.ceil(bottom / step) * step; value <= top; value += step) found.push(Number(value.toPrecision(6)));
  return found;
}

// content: years, bands [[low, high], …] widest first, lines [{values, colour, dash, width}], dots [[year, value]],
// goal {from, to, base, end, label} or null, unit, year (marked), zero (the scale begins at 0), top (fixed highest)
function drawPath(svg, content) {
  const W = 540, H = 320, left = 56, right = 14, top = 26, bottom = 26;
  const { years } = content;
  const all = [...content.bands.flat(2), ...content.lines.flatMap((one) => one.values), ...content.dots.map((d) => d[1])];
  const known = all.filter((value) => Number.isFinite(value));
  let highest = content.top ?? Math.max(...known), lowest = Math.min(...known);
  if (content.zero) lowest = Math.min(0, lowest);
  const room = (highest - lowest || 1) * 0.06;
  if (!content.top) highest += room;
  if (!content.zero || lowest < 0) lowest -= room;
  const x = (year) => left + ((year - years[0]) / (years.at(-1) - years[0])) * (W - left - right);
  const y = (value) => H - bottom - ((value - lowest) / (highest - lowest)) * (H - top - bottom);
  const font = { "font-family": "'Tanlu Sans','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif", "font-size": 12 };
  const parts = [shape("rect", { width: W, height: H, fill: "#fff" })];
  for (const value of ticks(lowest, highest)) {
    parts.push(shape("line", { x1: left, x2: W - right, y1: y(value), y2: y(value), stroke: "#e6e6e6" }));
    parts.push(shape("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end", fill: "#444", ...font }, String(value).replace("-", "−")));
  }
  for (const year of years.filter((v) => v % 5 === 0 || v === years.at(-1))) {
    parts.push(shape("text", { x: x(year), y: H - 8, "text-anchor": year === years.at(-1) ? "end" : "middle", fill: "#444", ...font }, String(year)));
  }
  parts.push(shape("text", { x: 4, y: 14, fill: "#333", ...font }, content.unit));
  if (content.year) parts.push(shape("line", { x1: x(content.year), x2: x(content.year), y1: top, y2: H - bottom, stroke: "#9aa3ab", "stroke-width": 1, "stroke-dasharray": "2 3" }));
  const blues = ["#dceaf4", "#b9d5e9", "#8fbcdb"];
  const place = (values) => years.flatMap((year, k) => (Number.isFinite(values[k]) ? [`${x(year).toFixed(1)},${y(values[k]).toFixed(1)}`] : []));
  content.bands.forEach(([low, high], i) => parts.push(shape("polygon", { points: [...place(high), ...place(low).reverse()].join(" "), fill: blues[i] })));
  for (const { values, colour, dash, width } of content.lines) {
    parts.push(shape("polyline", { points: place(values).join(" "), fill: "none", stroke: colour, "stroke-width": width, "stroke-dasharray": dash }));
    if (values.filter(Number.isFinite).length < years.length / 2)
      years.forEach((year, k) => { if (Number.isFinite(values[k])) parts.push(shape("circle", { cx: x(year), cy: y(values[k]), r: 3.2, fill: colour })); });
  }
  for (const [year, value] of content.dots)
    if (year >= years[0] && year <= years.at(-1)) parts.push(shape("circle", { cx: x(year), cy: y(value), r: 3.4, fill: "#222", stroke: "#fff", "stroke-width": 0.6 }));
  const goal = content.goal;
  if (goal) {
    const gx = x(goal.end), gy = y(goal.to);
    parts.push(shape("line", { x1: x(goal.base), y1: y(goal.from), x2: gx, y2: gy, stroke: "#a6261d", "stroke-width": 1.8, "stroke-dasharray": "2 4" }));
    parts.push(shape("path", { d: `M${gx} ${gy - 6}l6 6l-6 6l-6 -6z`, fill: "#a6261d", stroke: "#fff" }));
    parts.push(shape("text", { x: gx - 10, y: Math.min(gy + 18, H - bottom - 6), "text-anchor": "end", fill: "#a6261d", stroke: "#fff", "stroke-width": 3, "paint-order": "stroke", ...font }, goal.label));
  }
  svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
  svg.replaceChildren(...parts);
}
