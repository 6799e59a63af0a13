"use strict";
// State in the address after "#", so that a copied link restores it; answers come live from the model.
const token = document.body.dataset.token;
const lang = document.body.dataset.lang;
const at = (id) => document.getElementById(id);
const LONGEST = 8000;
let setting, state, answer, running = false, waiting = false;
const past = [], future = [];

const t = (key, values = {}) => setting.texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]).replaceAll(" %", "\u202f%");
const number = (value, digits = 1) => (value === null ? "–" : value.toFixed(digits).replace("-", "−"));
const signed = (value) => (value === null ? "–" : (value > 0 ? "+" : "") + number(value));
const gap = lang === "zh" ? "" : "\u202f";
function chance(value) {
  if (value === null) return "–";
  if (value < 0.01) return `<1${gap}%`;
  return value > 0.99 ? `>99${gap}%` : `${(100 * value).toFixed(0)}${gap}%`;
}
const index = (region) => setting.provinces.indexOf(region);
const fresh = () => ({ region: "Guangdong", rule: setting.rules[0].key, one: false, levers: {}, assumptions: {} });

async function ask(path, body) {
  const options = { headers: { "x-tanlu-token": token } };
  if (body) Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  if (body) options.headers["content-type"] = "application/json";
  const reply = await fetch(path, options);
  const data = await reply.json().catch(() => ({ faults: [String(reply.status)] }));
  if (!reply.ok) throw new Error((data.faults || [reply.status]).join("; "));
  return data;
}

function request() {
  const where = state.one && state.region !== "China" ? state.region : "China";
  return { rule: state.rule, where, levers: state.levers, assumptions: state.assumptions };
}

// One question at a time; what was moved meanwhile is asked next, so the page never lags behind by more than one.
async function refresh() {
  if (running) {
    waiting = true;
    return;
  }
  running = true;
  const started = performance.now();
  try {
    answer = await ask("/api/answer", request());
    show();
    document.body.dataset.milliseconds = (performance.now() - started).toFixed(0);
    document.body.dataset.answers = Number(document.body.dataset.answers || 0) + 1;
  } catch (fault) {
    say(fault instanceof TypeError ? t("The explorer does not answer; is it still running?") : fault.message);
  }
  running = false;
  if (waiting) {
    waiting = false;
    refresh();
  }
}

function say(text) {
  at("message").textContent = text.slice(0, 600);
  at("message").hidden = !text;
}

function link() {
  const short = { r: state.region, a: state.rule };
  if (state.one) short.o = 1;
  if (Object.keys(state.levers).length) short.l = state.levers;
  if (Object.keys(state.assumptions).length) short.u = state.assumptions;
  return `#${encodeURIComponent(JSON.stringify(short))}`;
}

const numbers = (data, allowed) => {
  const found = {};
  for (const [key, value] of Object.entries(data ?? {})) {
    if (!allowed.includes(key) || typeof value !== "number" || !Number.isFinite(value)) throw new Error(String(key).slice(0, 60));
    found[key] = value;
  }
  return found;
};

function restored(hash) {
  if (hash.length > LONGEST) throw new Error(`${hash.length} > ${LONGEST}`);
  const data = JSON.parse(decodeURIComponent(hash.slice(1)));
  if (!setting.provinces.includes(data.r)) throw new Error(String(data.r).slice(0, 60));
  if (!setting.rules.some((rule) => rule.key === data.a)) throw new Error(String(data.a).slice(0, 60));
  const levers = setting.packages.flatMap((p) => p.levers.map((lever) => lever.key));
  const names = setting.assumptions.flatMap((g) => g.items.map((item) => item.key));
  return { region: data.r, rule: data.a, one: Boolean(data.o), levers: numbers(data.l, levers), assumptions: numbers(data.u, names) };
}

function fromLink() {
  state = fresh();
  if (location.hash.length < 2) return;
  try {
    state = restored(location.hash);
    say("");
  } catch (fault) {
    say(t("The link does not fit this explorer: {fault}", { fault: fault.message }));
  }
}

// Keep the state before a change; a drag counts as one change.
function commit(change) {
  past.push(JSON.stringify(state));
  future.length = 0;
  change();
  settled();
}

function settled() {
  history.replaceState(null, "", link());
  at("other").href = `/?token=${encodeURIComponent(token)}&lang=${lang === "zh" ? "en" : "zh"}${link()}`;
  at("undo").disabled = !past.length;
  at("redo").disabled = !future.length;
  controls();
  refresh();
}

function step(from, to) {
  if (!from.length) return;
  to.push(JSON.stringify(state));
  state = JSON.parse(from.pop());
  settled();
}

function word(value) {
  if (value < 0.025) return t("no new policy");
  if (value < 0.35) return t("weak");
  if (value < 0.65) return t("medium");
  return value < 0.975 ? t("strong") : t("historical best");
}

function slider(item, options) {
  const box = document.createElement("div");
  box.className = "lever";
  const id = `set-${item.key.replace(/\W+/g, "-")}`;
  box.innerHTML = '<label><span class="title"></span><span class="word"></span></label><div class="slide"><input type="range"></div><input type="number">';
  const [range, exact] = box.querySelectorAll("input");
  const label = box.querySelector("label");
  label.htmlFor = range.id = id;
  label.querySelector(".title").textContent = item.name;
  if (item.meaning) label.title = item.meaning;
  exact.setAttribute("aria-label", item.name + (item.unit ? `, ${item.unit}` : ", %"));
  for (const input of [range, exact]) Object.assign(input, { min: options.low, max: options.high, step: options.step });
  let before = null;
  const move = (value) => {
    if (!Number.isFinite(value) || value < options.low || value > options.high) return;
    before ??= JSON.stringify(state);
    options.write(value);
    controls();
    refresh();
  };
  const done = () => {
    if (before === null) return;
    past.push(before);
    before = null;
    future.length = 0;
    settled();
  };
  range.addEventListener("input", () => move(range.valueAsNumber));
  range.addEventListener("change", done);
  exact.addEventListener("change", () => { move(exact.valueAsNumber); done(); });
  box.update = () => {
    const value = options.read();
    if (document.activeElement !== range || before === null) range.value = value;
    if (document.activeElement !== exact) exact.value = options.exact(value);
    box.classList.toggle("moved", options.moved());
    const words = options.word(value);
    label.querySelector(".word").textContent = words;
    range.setAttribute("aria-valuetext", options.spoken(value, words));
    for (const tick of options.ticks()) mark(box.querySelector(".slide"), tick, options);
  };
  return box;
}

function mark(slide, tick, options) {
  let node = slide.querySelector(`[data-tick="${tick.sign}"]`);
  if (!node) {
    node = document.createElement("span");
    node.className = "tick";
    node.dataset.tick = tick.sign;
    node.textContent = tick.sign;
    node.title = tick.name;
    slide.append(node);
  }
  const share = (tick.value - options.low) / (options.high - options.low);
  node.style.left = `calc(8px + ${(100 * share).toFixed(2)}% - ${(16 * share).toFixed(2)}px)`;
}

function leverSlider(item) {
  const start = () => 100 * item.start[index(state.region)];
  return slider({ key: item.key, name: item.name, meaning: item.meaning }, {
    low: 0, high: 100, step: 1,
    read: () => (item.key in state.levers ? 100 * state.levers[item.key] : start()),
    write: (value) => { state.levers[item.key] = Number((value / 100).toFixed(3)); },
    moved: () => item.key in state.levers,
    exact: (value) => value.toFixed(0),
    word: (value) => word(value / 100),
    spoken: (value, words) => t("{lever}: {word}, {percent} % of the historical best", { lever: item.name, word: words, percent: value.toFixed(0) }),
    ticks: () => [
      { sign: "○", value: 0, name: t("status quo") },
      { sign: "▽", value: 100 * item.plan[index(state.region)], name: t("official plan") },
      { sign: "★", value: 100, name: t("historical best") },
    ],
  });
}

function assumptionSlider(item) {
  const digits = Math.max(0, 3 - Math.ceil(Math.log10(Math.abs(item.high - item.low) || 1)));
  const box = slider(item, {
    low: item.low, high: item.high, step: Number((10 ** -digits).toPrecision(1)),
    read: () => state.assumptions[item.key] ?? item.default,
    write: (value) => { state.assumptions[item.key] = value; },
    moved: () => item.key in state.assumptions,
    exact: (value) => Number(value.toFixed(digits)),
    word: () => item.unit,
    spoken: (value) => `${value.toFixed(digits)} ${item.unit}`,
    ticks: () => [{ sign: "○", value: item.default, name: t("default") }],
  });
  box.classList.add("assumption");
  const about = document.createElement("small");
  about.textContent = `${item.meaning.replace(/\.$/, "")}. ${item.source}`;
  box.append(about);
  return box;
}

const sliders = [];
function build() {
  for (const region of setting.provinces) at("region").add(new Option(setting.names[region], region));
  for (const rule of setting.rules) at("rule").add(new Option(rule.name, rule.key));
  for (const pack of setting.packages) {
    for (const [place, further] of [["packages", false], ["further", true]]) {
      const items = pack.levers.filter((lever) => lever.further === further);
      if (items.length) at(place).append(group(pack.name, items.map(leverSlider)));
    }
  }
  for (const part of setting.assumptions) at("groups").append(group(part.name, part.items.map(assumptionSlider)));
  tiles();
  at("region").addEventListener("change", () => commit(() => { state.region = at("region").value; }));
  at("rule").addEventListener("change", () => commit(() => { state.rule = at("rule").value; }));
  at("where").addEventListener("change", () => commit(() => { state.one = at("where").value === "one"; }));
  at("undo").addEventListener("click", () => step(past, future));
  at("redo").addEventListener("click", () => step(future, past));
  at("reset").addEventListener("click", () => commit(() => { state = { ...fresh(), region: state.region }; }));
  at("share").addEventListener("click", share);
  at("csv").addEventListener("click", () => save("tanlu.csv", "\ufeff" + table(), "text/csv"));
  at("svg").addEventListener("click", () => save(`${state.region}.svg`, picture(), "image/svg+xml"));
  addEventListener("hashchange", () => { fromLink(); settled(); });
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || event.target.type === "number") return;
    event.preventDefault();
    if (event.shiftKey) step(future, past);
    else step(past, future);
  });
}

function group(name, boxes) {
  const part = document.createElement("div");
  const head = document.createElement("h3");
  head.textContent = name;
  part.append(head, ...boxes);
  sliders.push(...boxes);
  return part;
}

function tiles() {
  const squares = Object.entries(setting.tiles).map(([province, [column, row]]) => {
    const known = index(province) >= 0;
    const part = shape("g", { class: "tile level0", "data-province": province, transform: `translate(${2 + 78 * column} ${2 + 64 * row})` });
    part.append(shape("title", {}), shape("rect", { width: 74, height: 60, rx: 4 }));
    const name = shape("text", { class: "name", x: 37, y: 16 }, setting.names[province]);
    if (setting.names[province].length > 11) {
      name.setAttribute("textLength", 70);
      name.setAttribute("lengthAdjust", "spacingAndGlyphs");
    }
    const code = shape("text", { class: "code", x: 37, y: 17 }, setting.codes[province]);
    part.append(name, code, shape("text", { class: "chance", x: 37, y: 37 }, "–"), shape("text", { class: "light", x: 37, y: 53 }, "– "));
    part.querySelector(".light").append(shape("tspan", { class: "word" }, setting.lights[0].word));
    if (known) {
      part.setAttribute("role", "button");
      part.setAttribute("tabindex", 0);
      const choose = () => commit(() => { state.region = province; });
      part.addEventListener("click", choose);
      part.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); }
      });
    }
    return part;
  });
  at("tiles").setAttribute("viewBox", "0 0 624 512");
  at("tiles").append(...squares);
}

function controls() {
  at("region").value = state.region;
  at("rule").value = state.rule;
  at("where").value = state.one ? "one" : "all";
  at("where").disabled = state.region === "China";
  for (const box of sliders) box.update();
}

function show() {
  const v = answer.verdicts;
  const provinces = setting.provinces.slice(0, -1);
  const likely = provinces.filter((_, i) => v.chance[i] !== null && v.chance[i] > 0.5).length;
  at("sentence").textContent = t("{n} of {total} provinces are more likely to meet their {end} target than to miss it.", { n: likely, total: provinces.length, end: setting.plan[1] });
  at("condition").textContent = t("{n} of {total} members; model-conditional, not a forecast.", { n: answer.members, total: setting.members });
  for (const part of at("tiles").children) {
    const i = index(part.dataset.province);
    if (i < 0) continue;
    const level = v.level[i];
    const light = setting.lights[level];
    part.setAttribute("class", `tile level${level}`);
    part.setAttribute("aria-pressed", part.dataset.province === state.region);
    const spoken = t("{province}: {light}, chance {chance}", { province: setting.names[part.dataset.province], light: light.word, chance: chance(v.chance[i]) });
    part.setAttribute("aria-label", spoken);
    part.querySelector("title").textContent = spoken;
    part.querySelector(".chance").textContent = chance(v.chance[i]);
    part.querySelector(".light").firstChild.data = `${light.symbol} ${level} `;
    part.querySelector(".word").textContent = light.word;
  }
  detail(index(state.region), v);
}

const SCALE = 10; // kgce/yuan → tce per 10⁴ yuan
const scaled = (values) => values.map((value) => SCALE * value);

function detail(i, v) {
  const texts = { none: "no new policy", policy: "with policy", "modified none": "modified, no new policy", "modified policy": "modified, with policy" };
  at("headline").textContent = t("{province}: energy intensity falls {fall} % by {end}, target {target} %", { province: setting.names[state.region], fall: number(v.reduction[i]), end: setting.plan[1], target: number(v.target[i]) });
  at("verdict").textContent = t("text: live verdict", {
    chance: chance(v.chance[i]), low: chance(v.low[i]), high: chance(v.high[i]), margin: signed(v.margin[i]), from: signed(v.margin_10[i]), to: signed(v.margin_90[i]), target: number(v.target[i]),
  });
  const bands = [[0, 6], [1, 5], [2, 4]].map(([low, high]) => [scaled(answer.bands[low][i]), scaled(answer.bands[high][i])]);
  const lines = Object.fromEntries(Object.keys(texts).filter((name) => name in answer.lines).map((name) => [name, scaled(answer.lines[name][i])]));
  const from = scaled(answer.bands[3][i])[setting.years.indexOf(setting.plan[0])];
  const goal = { base: setting.plan[0], end: setting.plan[1], from, to: from * (1 - v.target[i] / 100), label: t("target −{target} %", { target: number(v.target[i]) }) };
  const dots = (setting.measured[state.region] ?? []).map(([year, value]) => [year, SCALE * value]);
  drawPath(at("chart"), { years: setting.years, bands, lines, dots, goal, unit: t("tce per 10⁴ yuan") });
  at("chart").setAttribute("aria-label", `${at("headline").textContent}. ${at("verdict").textContent}`);
  const items = Object.keys(lines).map((name) => {
    const item = document.createElement("li");
    const key = shape("svg", { viewBox: "0 0 30 10", "aria-hidden": "true" });
    key.append(shape("line", { x1: 0, x2: 30, y1: 5, y2: 5, stroke: LINES[name].colour, "stroke-width": 3, "stroke-dasharray": LINES[name].dash }));
    item.append(key, t(texts[name]));
    return item;
  });
  const measured = document.createElement("li");
  measured.textContent = `● ${t("measured")}`;
  at("lines").replaceChildren(...items, ...(dots.length ? [measured] : []));
}

async function share() {
  history.replaceState(null, "", link());
  await navigator.clipboard?.writeText(location.href).catch(() => {});
  say(t("The link is copied."));
}

function table() {
  const v = answer.verdicts;
  const columns = Object.keys(v);
  const rows = setting.provinces.map((region, i) => [region, ...columns.map((c) => v[c][i] ?? "")].join(","));
  const i = index(state.region);
  const paths = setting.years.map((year, k) => [year, ...answer.bands.map((band) => band[i][k]), ...Object.values(answer.lines).map((line) => line[i][k])].join(","));
  const heads = ["year", ...["0.025", "0.1", "0.25", "0.5", "0.75", "0.9", "0.975"].map((q) => `quantile ${q}`), ...Object.keys(answer.lines)];
  return [`region,${columns.join(",")}`, ...rows, "", `kgce/yuan of ${state.region}`, heads.join(","), ...paths, ""].join("\r\n");
}

function picture() {
  const copy = at("chart").cloneNode(true);
  copy.setAttribute("xmlns", SVG);
  const title = shape("title", {}, at("chart").getAttribute("aria-label"));
  copy.prepend(title);
  return new XMLSerializer().serializeToString(copy);
}

function save(name, content, kind) {
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(new Blob([content], { type: kind }));
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 1000);
}

async function main() {
  setting = await ask(`/api/setting?lang=${lang}`);
  state = fresh();
  build();
  fromLink();
  settled();
}
main();
