"use strict";
// The path of one region: bands, lines of scenarios, measured dots, target. Text enters as text only.
const SVG = "http://www.w3.org/2000/svg";

// A number with a fixed count of decimals and a true minus sign; what rounds to zero has no sign.
function number(value, digits = 1) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}
function signed(value, digits = 1) {
  const text = number(value, digits);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

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
  for (let k = Math.ceil(bottom / step); k * step <= top; k++) found.push(Number((k * step).toPrecision(6)));
  return found;
}

// Place of a point's label: as near as possible, inside the frame, crossing no line.
function labelPlace(px, py, text, courses, [left, top, right, bottom]) {
  const width = [...text].reduce((sum, letter) => sum + (letter > "\u2e80" ? 12 : 6.8), 0), height = 14, near = 3;
  const crossed = (x0, y0) => courses.reduce((sum, course) => {
    for (let i = 1; i < course.length; i++) {
      const [[ax, ay], [bx, by]] = [course[i - 1], course[i]], steps = Math.ceil(Math.hypot(bx - ax, by - ay) / 2);
      for (let s = 0; s <= steps; s++) {
        const cx = ax + ((bx - ax) * s) / (steps || 1), cy = ay + ((by - ay) * s) / (steps || 1);
        if (cx > x0 - near && cx < x0 + width + near && cy > y0 - height && cy < y0 + near + 1) sum++;
      }
    }
    return sum;
  }, 0);
  let best = null;
  for (const far of [18, 32, 48, 66, 86])
    for (const [x0, y0] of [[px - 10 - width, py + far], [px - 10 - width, py - far + 10], [px - width / 2, py - far + 6], [px - width / 2, py + far + 4], [px + 10, py - far + 10], [px + 10, py + far]]) {
      if (x0 < left || x0 + width > right + 10 || y0 - height < top || y0 > bottom - 3) continue;
      const count = crossed(x0, y0);
      if (!best || count < best[0]) best = [count, x0, y0];
    }
  return best ? best.slice(1) : [px - 10 - width, Math.min(py + 18, bottom - 6)];
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
    const courses = [...content.lines.map(({ values }) => years.map((year, k) => [x(year), y(values[k])])), [[x(goal.base), y(goal.from)], [gx, gy]]];
    const label = labelPlace(gx, gy, goal.label, courses, [left, top, W - right, H - bottom]);
    parts.push(shape("text", { x: label[0], y: label[1], fill: "#a6261d", stroke: "#fff", "stroke-width": 3, "paint-order": "stroke", id: "goal-label", ...font }, goal.label));
  }
  svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
  svg.replaceChildren(...parts);
}
