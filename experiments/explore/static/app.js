// The page: controls, pictures, state in the address after "#". The model runs in the worker; nothing leaves the page.
const at = (id) => document.getElementById(id);
const LONGEST = 20000;
const data = JSON.parse(at("data").textContent);
const started = performance.now();
const REGIONS = [...data.provinces, data.nation];
const INDICATORS = ["chance", ...Object.keys(data.indicators)];
const MEDIAN = data.levels.indexOf(0.5);
const LOOKS = { now: ["#0072b2", "", 2.6], a: ["#d55e00", "6 3", 2], b: ["#6a3d9a", "2 3", 2.4] };
let ui, numbers = data.first, page = "stored", bars = null, found = null, difference = null, counter = 0, drawn = 0, last = null; // drawn: newest state of which a province was shown
const slots = { a: null, b: null }; // {state, numbers}
const past = [], future = [];
const code = URL.createObjectURL(new Blob([data.worker], { type: "text/javascript" }));
const worker = new Worker(code);
let ready = false, asked = null;

const gap = () => (ui.lang === "zh" ? "" : "\u202f");
const t = (key, values = {}) => data.texts[ui.lang][key].replace(/\{(\w+)\}/g, (_, name) => values[name]).replaceAll(" %", `${gap()}%`);
const name = (one) => one[ui.lang] || one.en;
function chance(value) {
  if (value === null || value === undefined) return "–";
  if (value < 0.01) return `<1${gap()}%`;
  return value > 0.99 ? `>99${gap()}%` : `${(100 * value).toFixed(0)}${gap()}%`;
}
const fresh = () => ({ rule: data.start.rule, preset: data.start.preset, targets: {}, levers: {}, own: {}, assumptions: {} });
const first = () => ({ lang: data.lang, region: data.provinces.includes("Guangdong") ? "Guangdong" : data.provinces[0], indicator: "chance", year: data.plan[1], one: false, state: fresh() });
const index = (region = ui.region) => REGIONS.indexOf(region);
const isNation = () => ui.region === data.nation;

// Scale and unit of an indicator as people in this language write it.
function scale(indicator) {
  const zh = ui.lang === "zh";
  return {
    chance: [100, t("unit: chance"), 0],
    intensity: [10, t("tce per 10⁴ yuan"), 3],
    carbon: [10, t("t CO2 per 10⁴ yuan"), 3],
    energy: [zh ? 100 : 1, t("unit: energy"), zh ? 0 : 1],
    co2: [zh ? 100 : 1, t("unit: co2"), zh ? 0 : 1],
    cost: [zh ? 10 : 1, t("unit: cost"), zh ? 1 : 2],
    gdp: [zh ? 10 : 1, t("unit: gdp"), 0],
  }[indicator];
}
const LEADS_CARBON = data.leads === "carbon";
const titles = () => ({ chance: LEADS_CARBON ? t("Chance of the carbon target") : t("Chance of the energy target"), intensity: t("Energy intensity"), carbon: t("Carbon intensity"), energy: t("Energy use"), co2: t("Energy CO2"), cost: t("Net policy cost"), gdp: t("GDP at 2005 prices") });

const planYears = data.years.filter((year) => year > data.plan[0] && year <= data.plan[1]);
// The shown value of numbers in a region and year, in model units (a chance: share; null where there is none).
function value(of, indicator, r, year, level = MEDIAN) {
  if (indicator === "chance") {
    if (year === data.plan[1]) return of[data.leads].chance[r];
    return planYears.includes(year) ? of.yearly[r]?.[planYears.indexOf(year)] ?? null : null;
  }
  return of.quantiles[indicator][level][r]?.[data.years.indexOf(year)] ?? null;
}

const untouched = (state) => ["targets", "levers", "own", "assumptions"].every((key) => !Object.keys(state[key]).length);
// While nothing is moved, the chances of the report, of all its members.
function verdictOf(of, state, r) {
  const kept = untouched(state) ? data.stored[state.rule]?.[state.preset] : undefined;
  return kept && kept.chance[r] !== null ? { columns: kept, members: kept.members, stored: true } : { columns: of[data.leads], members: of.members, stored: false };
}
function classOf(columns, r) {
  const value = columns.chance[r];
  const pick = (step) => data.classes.find((one) => one.step === step);
  if (value === null || value === undefined) return pick(-1);
  if ((value >= data.neither[0] && value <= data.neither[1]) || (columns.low[r] <= 0.5 && columns.high[r] >= 0.5)) return pick(2);
  if (value < 0.5) return pick(value < 0.2 ? 0 : 1);
  return pick(value > 0.8 ? 4 : 3);
}

// ---- the worker
worker.onmessage = ({ data: message }) => {
  const { kind } = message;
  if (kind === "ready") {
    ready = true;
    document.body.dataset.ready = (performance.now() - started).toFixed(0);
    help();
    refresh();
  } else if (kind === "part" && message.id > drawn && message.region === index()) { // a handle may have moved on since
    drawn = message.id;
    numbers = merged(numbers, message.numbers, message.region);
    page = "part";
    mark("part", message);
    show();
  } else if (kind === "early" && message.id === counter) {
    numbers = message.numbers;
    page = "early";
    mark("map", message);
    show();
  } else if (kind === "whole") {
    if (slots[message.id]) { slots[message.id].numbers = message.numbers; show(); return; }
    if (message.id !== counter) return;
    numbers = message.numbers;
    difference = message.difference;
    document.body.dataset.halves = message.halves;
    page = "whole";
    if (document.body.dataset.map !== String(message.id)) mark("map", message);
    mark("whole", message);
    show();
  } else if (kind === "bars" && message.id === counter && message.region === index()) {
    bars = message.bars;
    document.body.dataset.bars = counter;
    update();
  } else if (kind === "progress") say(t("Searching … {share} %", { share: (100 * message.share).toFixed(0) }));
  else if (kind === "goal") { found = { ...message.result, region: message.region }; say(""); showGoal(); }
  else if (kind === "fault") say(message.text);
};
const SHARED = ["leads", "provinces", "levers", "years", "plan", "rules", "targets", "carbonTargets", "presets", "reach", "indicators", "levels"];
const opening = { kind: "open", data: Object.fromEntries(SHARED.map((key) => [key, data[key]])), packed: at("engine").textContent };
worker.postMessage(opening);
// A second worker takes half of the members of every run of all provinces.
function help() {
  if (!(navigator.hardwareConcurrency > 1)) return;
  const helper = new Worker(code), { port1, port2 } = new MessageChannel();
  helper.postMessage(opening);
  helper.postMessage({ kind: "serve", port: port1 }, [port1]);
  worker.postMessage({ kind: "helper", port: port2 }, [port2]);
}

function mark(what, message) {
  document.body.dataset[what] = message.id;
  document.body.dataset[`${what}Milliseconds`] = (performance.now() - asked).toFixed(1);
}

// The numbers of all regions with those of one replaced; what is kept is not copied.
function merged(all, part, r) {
  const put = (column, from) => { const copy = [...column]; copy[r] = from[r]; return copy; };
  const each = (from, make) => Object.fromEntries(Object.entries(from).map(([key, value]) => [key, make(key, value)]));
  const columns = (which) => ({ ...all[which], ...each(part[which], (key, column) => put(all[which][key], column)) });
  const quantiles = each(part.quantiles, (key, levels) => levels.map((level, i) => put(all.quantiles[key][i], level)));
  return { ...all, energy: columns("energy"), carbon: columns("carbon"), joint: put(all.joint, part.joint), yearly: put(all.yearly, part.yearly), quantiles, targets: part.targets, national: part.national, members: part.members };
}

function refresh() {
  if (!ready) return;
  counter += 1;
  bars = null;
  asked = performance.now();
  worker.postMessage({ kind: "state", id: counter, state: ui.state, region: index() });
}

function say(text) {
  at("message").textContent = text.slice(0, 600);
  at("message").hidden = !text;
}

// ---- state and link
function link() {
  const kept = Object.fromEntries(Object.entries(slots).filter(([, slot]) => slot).map(([key, slot]) => [key, small(slot.state)]));
  return `#${encodeURIComponent(JSON.stringify({ g: ui.lang, r: ui.region, i: ui.indicator, y: ui.year, ...(ui.one ? { o: 1 } : {}), ...small(ui.state), ...(Object.keys(kept).length ? { k: kept } : {}) }))}`;
}
const KEYS = { rule: "a", preset: "m", targets: "t", levers: "l", own: "w", assumptions: "u" };
const small = (state) => Object.fromEntries(Object.entries(KEYS).filter(([key]) => typeof state[key] === "string" || Object.keys(state[key]).length).map(([key, short]) => [short, state[key]]));

const bad = (what) => { throw new Error(String(what).slice(0, 60)); };
const own = (object, key) => Object.prototype.hasOwnProperty.call(object, key);
function numbersIn(given, range) {
  const into = {};
  for (const [key, number] of Object.entries(given ?? {})) {
    const limits = range(key);
    if (!limits || typeof number !== "number" || !(number >= limits[0] && number <= limits[1])) bad(key);
    into[key] = number;
  }
  return into;
}
const assumptions = Object.fromEntries(data.groups.flatMap((group) => group.items.map((item) => [item.key, item])));
const unit = (key) => (data.levers.includes(key) ? [0, 1] : null);
function stateFrom(short) {
  const state = fresh();
  if (!data.rules.includes(short.a)) bad(short.a);
  if (!own(data.presets, short.m)) bad(short.m);
  state.rule = short.a;
  state.preset = short.m;
  state.targets = numbersIn(short.t, (key) => (data.provinces.includes(key) ? [0, 60] : null));
  state.levers = numbersIn(short.l, unit);
  for (const [province, levers] of Object.entries(short.w ?? {})) state.own[data.provinces.includes(province) ? province : bad(province)] = numbersIn(levers, unit);
  state.assumptions = numbersIn(short.u, (key) => (own(assumptions, key) ? [assumptions[key].low, assumptions[key].high] : null));
  return state;
}
function restored(hash) {
  if (hash.length > LONGEST) bad(`${hash.length} > ${LONGEST}`);
  const short = JSON.parse(decodeURIComponent(hash.slice(1)));
  const made = first();
  if (short.g !== undefined) made.lang = ["en", "zh"].includes(short.g) ? short.g : bad(short.g);
  made.region = REGIONS.includes(short.r) ? short.r : bad(short.r);
  made.indicator = INDICATORS.includes(short.i) ? short.i : bad(short.i);
  made.year = data.years.includes(short.y) ? short.y : bad(short.y);
  made.one = Boolean(short.o) && made.region !== data.nation;
  made.state = stateFrom(short);
  const kept = {};
  for (const key of ["a", "b"]) if (short.k && own(short.k, key)) kept[key] = stateFrom(short.k[key]);
  return [made, kept];
}
function fromLink() {
  ui = first();
  slots.a = slots.b = null;
  if (location.hash.length < 2) return;
  if (["#en", "#zh"].includes(location.hash)) { ui.lang = location.hash.slice(1); return; }
  try {
    const [made, kept] = restored(location.hash);
    ui = made;
    for (const [key, state] of Object.entries(kept)) keep(key, state);
    say("");
  } catch (fault) {
    say(t("The link does not fit this explorer: {fault}", { fault: fault.message }));
  }
}

const snapshot = () => JSON.stringify({ region: ui.region, indicator: ui.indicator, year: ui.year, one: ui.one, state: ui.state });
// Keep what was before a change; a drag counts as one change.
function commit(change, runs = true) {
  past.push(snapshot());
  if (past.length > 500) past.shift();
  future.length = 0;
  last = { numbers, key: null };
  change();
  settled(runs);
}
function recorded() {
  history.replaceState(null, "", link());
  at("undo").disabled = !past.length;
  at("redo").disabled = !future.length;
  found = null;
}
function settled(runs = true) {
  recorded();
  if (runs) refresh();
  controls();
  show();
}
function step(from, to) {
  if (!from.length) return;
  to.push(snapshot());
  ui = { ...ui, ...JSON.parse(from.pop()) };
  settled();
}

// ---- controls
const leverNow = (lever, region = ui.region) => {
  const l = data.levers.indexOf(lever);
  const one = (p) => (data.reach[p * data.levers.length + l] ? ui.state.own[data.provinces[p]]?.[lever] ?? ui.state.levers[lever] ?? strengths()[p * data.levers.length + l] : 0);
  if (region !== data.nation) return one(data.provinces.indexOf(region));
  return ui.state.levers[lever] ?? data.provinces.reduce((sum, _, p) => sum + one(p), 0) / data.provinces.length;
};
const cache = {};
function strengths(preset = ui.state.preset) {
  return (cache[preset] ??= new Float32Array(Uint8Array.from(atob(data.presets[preset].strength), (c) => c.charCodeAt(0)).buffer));
}
function setLever(lever, strength) {
  if (ui.one && !isNation()) (ui.state.own[ui.region] ??= {})[lever] = strength;
  else {
    ui.state.levers[lever] = strength;
    for (const levers of Object.values(ui.state.own)) delete levers[lever];
  }
}
function effect(item, strength) {
  return item.effects.map((one) => {
    const part = (100 * one.value * strength).toFixed(1);
    return one.yearly ? t("{part} % a year", { part }) : t("{part} %", { part });
  }).join(" + ");
}

function slider(item, options) {
  const box = document.createElement("div");
  box.className = "lever";
  const id = `set-${item.key.replace(/\W+/g, "-")}`;
  const label = document.createElement("label");
  const title = document.createElement("span"), word = document.createElement("span");
  title.className = "title";
  word.className = "word";
  label.append(title, word);
  const range = Object.assign(document.createElement("input"), { type: "range", id });
  const exact = Object.assign(document.createElement("input"), { type: "number" });
  label.htmlFor = id;
  const reason = document.createElement("p");
  reason.className = "reason";
  for (const input of [range, exact]) Object.assign(input, { min: options.low, max: options.high, step: options.step });
  box.append(label, exact, range);
  let before = null;
  const move = (value) => {
    if (!Number.isFinite(value) || value < options.low || value > options.high) return;
    if (before === null) { before = snapshot(); last = { numbers, key: item.key }; }
    options.write(value);
    found = null;
    refresh();
    controls();
    box.update(); // what is shown follows from the worker's answer
  };
  const done = () => {
    if (before === null) return;
    past.push(before);
    before = null;
    future.length = 0;
    recorded();
    controls();
    box.update();
  };
  range.addEventListener("input", () => move(range.valueAsNumber));
  range.addEventListener("change", done);
  exact.addEventListener("change", () => { move(exact.valueAsNumber); done(); });
  const extra = options.extra?.() ?? null;
  if (extra) box.append(extra.node);
  box.append(reason);
  box.update = () => {
    const value = options.read();
    title.textContent = options.title?.() ?? name(item.name);
    if (document.activeElement !== range || before === null) range.value = value;
    if (document.activeElement !== exact) exact.value = options.exact(value);
    box.classList.toggle("moved", options.moved());
    word.textContent = options.word(value);
    range.setAttribute("aria-valuetext", `${options.exact(value)} ${options.word(value)}`);
    exact.setAttribute("aria-label", `${title.textContent}, ${options.unit()}`);
    const why = options.off?.() ?? "";
    range.disabled = exact.disabled = Boolean(why);
    reason.textContent = why || options.silent?.() || "";
    extra?.update();
  };
  return box;
}

// Why a control that was moved, or could be, changes nothing of what is shown.
function silence(key, moved) {
  if (!moved || last?.key !== key || page !== "whole") return "";
  return unchanged(last.numbers, numbers);
}
function unchanged(before, after) {
  const r = index(), near = (a, b) => a === b || Math.abs(a - b) < 1e-9 * Math.abs(a);
  const shown = (key) => near(value(before, key, r, ui.year), value(after, key, r, ui.year));
  if (!shown(ui.indicator)) return "";
  const moving = INDICATORS.filter((key) => key !== ui.indicator && !shown(key));
  const name = titles();
  if (moving.length) return t("No change in what is shown; it moves: {what}.", { what: moving.map((key) => name[key]).join(ui.lang === "zh" ? "、" : ", ") });
  const later = data.years.find((year) => year > ui.year && INDICATORS.some((key) => key !== "chance" && !near(value(before, key, r, year), value(after, key, r, year))));
  if (later) return t("No change in {year}; it acts from {later}.", { year: ui.year, later });
  return t("No change in this province up to {year}.", { year: data.years.at(-1) });
}

function leverSlider(item) {
  const bar = () => bars?.find((one) => one.lever === item.key);
  const gain = (other) => {
    const one = bar()?.[other];
    if (!one) return null;
    const read = ui.indicator === "chance" ? (ui.year === data.plan[1] ? one.chance : one.yearly[planYears.indexOf(ui.year)] ?? null) : one.quantiles[ui.indicator][data.years.indexOf(ui.year)];
    const here = value(numbers, ui.indicator, index(), ui.year);
    return read === null || here === null ? null : other === "without" ? here - read : read - here;
  };
  return slider(item, {
    low: 0, high: 100, step: 1,
    read: () => 100 * leverNow(item.key),
    write: (value) => setLever(item.key, Number((value / 100).toFixed(3))),
    moved: () => item.key in ui.state.levers || item.key in (ui.state.own[ui.region] ?? {}),
    exact: (value) => value.toFixed(0),
    unit: () => "%",
    word: (value) => effect(item, value / 100),
    off: () => (!isNation() && !data.reach[index() * data.levers.length + data.levers.indexOf(item.key)] ? t("There is nothing that this lever could act on in this province.") : ""),
    silent: () => {
      const start = data.presets[ui.state.preset].start[data.levers.indexOf(item.key)];
      if (start > ui.year) return t("Begins in {start}, after the year shown.", { start });
      const one = bar();
      const values = [gain("without"), gain("full")].filter((v) => v !== null);
      if (!one || !values.length || values.some((v) => Math.abs(v) > 1e-9)) return "";
      const other = Object.keys(data.indicators).filter((key) => key !== ui.indicator && key !== "cost" && one[one.full ? "full" : "without"].quantiles[key] && Math.abs(one[one.full ? "full" : "without"].quantiles[key][data.years.indexOf(ui.year)] - value(numbers, key, index(), ui.year)) > 1e-9);
      const names = titles();
      return other.length ? t("No change in what is shown; it moves: {what}.", { what: other.map((key) => names[key]).join(ui.lang === "zh" ? "、" : ", ") }) : t("No change in this province up to {year}.", { year: ui.year });
    },
    extra: () => {
      const node = document.createElement("div");
      const line = Object.assign(document.createElement("div"), { className: "bar" });
      const picture = shape("svg", { viewBox: "0 0 110 9", "aria-hidden": "true" });
      const words = document.createElement("span");
      line.append(picture, words);
      const about = document.createElement("details");
      const head = document.createElement("summary"), text = document.createElement("small");
      about.append(head, text);
      node.append(line, about);
      node.style.gridColumn = "1/-1";
      return {
        node,
        update: () => {
          const [factor, units, digits] = scale(ui.indicator);
          const most = Math.max(...(bars ?? []).flatMap((one) => ["without", "full"].map((other) => {
            if (!one[other]) return 0;
            const read = ui.indicator === "chance" ? one[other].chance : one[other].quantiles[ui.indicator][data.years.indexOf(ui.year)];
            return Math.abs(read - (value(numbers, ui.indicator, index(), ui.year) ?? read));
          })), 1e-12);
          const done = gain("without"), more = gain("full");
          const width = (v) => Math.max(0, Math.min(110, (110 * Math.abs(v)) / most));
          const parts = [shape("rect", { width: 110, height: 9, fill: "#eef1f4" })];
          if (done !== null) parts.push(shape("rect", { width: width(done), height: 9, fill: "#0072b2" }));
          if (more !== null) parts.push(shape("rect", { x: done === null ? 0 : Math.min(width(done), 110), width: Math.min(width(more), 110 - (done === null ? 0 : width(done))), height: 9, fill: "#b9d5e9" }));
          picture.replaceChildren(...parts);
          const shownUnit = ui.indicator === "chance" ? t("points") : units;
          const adds = done === null ? "" : t("adds {part}", { part: signed(factor * done, digits || 1) });
          const could = more === null ? "" : t("could add {part}", { part: signed(factor * more, digits || 1) });
          words.textContent = isNation() ? t("Choose a province to see what it adds.") : bars ? `${[adds, could].filter(Boolean).join(", ")} ${adds || could ? shownUnit : ""}` : "…";
          head.textContent = t("What it means");
          const ranges = item.effects.map((one) => t("at full strength {low} to {high} %", { low: (100 * one.low).toFixed(1), high: (100 * one.high).toFixed(1) }) + (one.yearly ? ` ${t("a year")}` : "")).join("; ");
          const here = data.amounts[item.key]?.[ui.region];
          const real = here ? `${name(data.names[ui.region])}: ${here[ui.lang]} ` : "";
          text.textContent = `${real}${name(item.meaning)}; ${ranges}. ${t("Source: {source}", { source: item.effects[0].source })}`;
        },
      };
    },
  });
}

function assumptionSlider(item) {
  const digits = Math.max(0, 3 - Math.ceil(Math.log10(Math.abs(item.high - item.low) || 1)));
  const clamp = (value) => Math.min(Math.max(value, item.low), item.high);
  const box = slider(item, {
    low: item.low, high: item.high, step: "any",
    read: () => ui.state.assumptions[item.key] ?? item.default,
    write: (value) => { ui.state.assumptions[item.key] = clamp(Number(value.toFixed(digits))); },
    moved: () => item.key in ui.state.assumptions,
    exact: (value) => String(Number(value.toFixed(digits))),
    unit: () => name(item.unit),
    word: () => `${name(item.unit) === "Dmnl" ? "" : name(item.unit)}${item.dims ? ` · ${t("the same in all: {dims}", { dims: item.dims })}` : ""}`,
    silent: () => silence(item.key, item.key in ui.state.assumptions),
    extra: () => {
      const node = document.createElement("small");
      return { node, update: () => { node.textContent = `${item.meaning.replace(/\.$/, "")}. ${t("Range {low} to {high}.", { low: item.low, high: item.high })} ${t("Source: {source}", { source: item.source })}`; } };
    },
  });
  box.dataset.words = `${item.key} ${item.name.en} ${item.name.zh} ${item.meaning}`.toLowerCase();
  return box;
}

function targetSlider() {
  return slider({ key: "target", name: { en: "", zh: "" } }, {
    low: 0, high: 40, step: 0.1,
    title: () => t("Target of {region}", { region: name(data.names[ui.region]) }),
    read: () => (isNation() ? data.national : ui.state.targets[ui.region] ?? (LEADS_CARBON ? data.carbonTargets : data.targets)[ui.state.rule][index()]),
    write: (value) => { ui.state.targets[ui.region] = Number(value.toFixed(1)); },
    moved: () => ui.region in ui.state.targets,
    exact: (value) => value.toFixed(1),
    unit: () => "%",
    word: () => (LEADS_CARBON ? t("fall of carbon intensity, %") : t("fall of energy intensity, %")),
    off: () => (isNation() ? t("The nation's target is given; choose a province to move its own.") : ""),
  });
}

const sliders = [];
// Every control as the state has it; assumptions only while they can be seen.
function update() {
  const open = at("assumptions").open;
  for (const box of sliders) if (open || !box.dataset.words) box.update();
}
function group(title, boxes, place) {
  const part = document.createElement("div");
  const head = document.createElement("h3");
  head.update = () => { head.textContent = name(title); };
  part.append(head, ...boxes);
  sliders.push(head, ...boxes);
  place.append(part);
}

function build() {
  for (const pack of data.packages) group(pack.name, pack.levers.map(leverSlider), at("packages"));
  for (const part of data.groups) group(part.name, part.items.map(assumptionSlider), at("groups"));
  const target = targetSlider();
  sliders.push(target);
  at("target").append(target);
  tiles();
  const choose = (id, change, runs = true) => at(id).addEventListener("change", () => commit(() => change(at(id).value), runs));
  choose("region", (value) => { ui.region = value; if (isNation()) ui.one = false; });
  choose("indicator", (value) => { ui.indicator = value; }, false);
  choose("year", (value) => { ui.year = Number(value); }, false);
  choose("rule", (value) => { ui.state.rule = value; ui.state.targets = {}; });
  choose("preset", (value) => { ui.state.preset = value; ui.state.levers = {}; ui.state.own = {}; });
  choose("where", (value) => { ui.one = value === "one"; }, false);
  at("undo").addEventListener("click", () => step(past, future));
  at("redo").addEventListener("click", () => step(future, past));
  at("reset").addEventListener("click", () => commit(() => { ui.state = fresh(); }));
  at("other").addEventListener("click", () => { ui.lang = ui.lang === "zh" ? "en" : "zh"; words(); settled(false); });
  at("share").addEventListener("click", share);
  at("csv").addEventListener("click", () => save("tanlu.csv", "\ufeff" + csv(), "text/csv"));
  at("svg").addEventListener("click", () => save(`${ui.region}.svg`, picture(), "image/svg+xml"));
  for (const key of ["a", "b"]) {
    at(`keep-${key}`).addEventListener("click", () => { keep(key, ui.state); slots[key].numbers = page === "whole" || page === "stored" ? numbers : slots[key].numbers; settled(false); });
    at(`load-${key}`).addEventListener("click", () => commit(() => { ui.state = JSON.parse(JSON.stringify(slots[key].state)); }));
  }
  at("seek").addEventListener("click", () => {
    found = null;
    say(t("Searching … {share} %", { share: 0 }));
    worker.postMessage({ kind: "goal", id: counter, state: ui.state, region: index(), chance: Math.min(99, Math.max(5, at("wanted").valueAsNumber || 80)) / 100 });
  });
  at("apply").addEventListener("click", () => commit(() => {
    ui.state.own[ui.region] = Object.fromEntries(data.levers.map((lever, l) => [lever, Number(found.levers[l].toFixed(4))]));
  }));
  at("assumptions").addEventListener("toggle", update);
  at("search").addEventListener("input", () => {
    const word = at("search").value.trim().toLowerCase();
    for (const box of at("groups").querySelectorAll(".lever")) box.hidden = !box.dataset.words.includes(word);
    for (const box of at("groups").querySelectorAll(".lever")) box.style.display = box.hidden ? "none" : "";
  });
  addEventListener("hashchange", () => { fromLink(); words(); settled(); });
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || ["number", "search"].includes(event.target.type)) return;
    event.preventDefault();
    if (event.shiftKey) step(future, past);
    else step(past, future);
  });
}

function keep(key, state) {
  slots[key] = { state: JSON.parse(JSON.stringify(state)), numbers: null };
  worker.postMessage({ kind: "state", id: key, state: slots[key].state, region: data.provinces.length, whole: true });
}

// Every text of the page in the language chosen.
function words() {
  document.documentElement.lang = ui.lang === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-tlabel]")) node.setAttribute("aria-label", t(node.dataset.tlabel));
  at("other").textContent = ui.lang === "zh" ? "English" : "中文";
  document.title = `${t("tanlu explorer")} · ${name(data.study.title)}`;
  at("study").textContent = `· ${name(data.study.title)}`;
  const options = (id, items) => at(id).replaceChildren(...items.map(([key, text]) => new Option(text, key)));
  options("region", REGIONS.map((key) => [key, name(data.names[key])]));
  options("indicator", INDICATORS.map((key) => [key, titles()[key]]));
  options("year", data.years.filter((year) => year >= data.plan[0]).map((year) => [year, year]));
  options("rule", data.rules.map((key) => [key, name(data.ruleNames[key])]));
  options("preset", Object.keys(data.presets).map((key) => [key, name(data.presetNames[key])]));
}

function tiles() {
  at("tiles").setAttribute("viewBox", "0 0 624 512");
  for (const [province, [column, row]] of Object.entries(data.tiles)) {
    const part = shape("g", { class: "tile", "data-province": province, transform: `translate(${2 + 78 * column} ${2 + 64 * row})` });
    part.append(shape("title", {}), shape("rect", { width: 74, height: 60, rx: 4 }));
    part.append(shape("text", { class: "name", x: 37, y: 16 }), shape("text", { class: "code", x: 37, y: 17 }), shape("text", { class: "value", x: 37, y: 37 }, "–"), shape("text", { class: "light", x: 37, y: 53 }));
    if (data.provinces.includes(province)) {
      part.setAttribute("role", "button");
      part.setAttribute("tabindex", 0);
      const choose = () => commit(() => { ui.region = province; });
      part.addEventListener("click", choose);
      part.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); }
      });
    }
    at("tiles").append(part);
  }
}

function controls() {
  for (const [id, value] of [["region", ui.region], ["indicator", ui.indicator], ["year", ui.year], ["rule", ui.state.rule], ["preset", ui.state.preset], ["where", ui.one ? "one" : "all"]]) at(id).value = value;
  at("where").disabled = isNation();
  at("seek").disabled = isNation();
  for (const key of ["a", "b"]) at(`load-${key}`).disabled = !slots[key];
  showGoal();
}

function showGoal() {
  at("apply").hidden = found?.found !== "levers";
  if (isNation()) { at("found").textContent = t("Choose a province: a goal is sought for one of them."); return; }
  if (!found) { at("found").textContent = ""; return; }
  const region = name(data.names[REGIONS[found.region]]);
  const lever = (key) => name(data.packages.flatMap((pack) => pack.levers).find((one) => one.key === key).name);
  if (found.found === "none") at("found").textContent = t("{region} needs no new policy: the chance without is {chance}.", { region, chance: chance(found.chance) });
  else if (found.found === "bound") at("found").textContent = t("text: explorer bound", { region, chance: chance(found.chance), lever: lever(found.binding), gain: number(found.gain, 2) });
  else {
    const items = data.levers.flatMap((key, l) => (found.levers[l] > 0 ? [`${lever(key)} ${(100 * found.levers[l]).toFixed(0)}${gap()}%`] : []));
    at("found").textContent = t("text: explorer goal", { region, chance: chance(found.chance), levers: items.join(ui.lang === "zh" ? "、" : ", ") });
  }
}

// ---- what is shown
function show() {
  const provinces = data.provinces;
  const { columns, members, stored } = verdictOf(numbers, ui.state, index());
  const expected = provinces.reduce((sum, _, p) => sum + (verdictOf(numbers, ui.state, p).columns.chance[p] ?? 0), 0);
  at("sentence").textContent = t("{n} of {total} provinces are expected to meet their {end} target.", { n: number(expected, 0), total: provinces.length, end: data.plan[1] });
  const half = columns.high[index()] === null ? null : 50 * (columns.high[index()] - columns.low[index()]);
  at("condition").textContent = stored
    ? t("As in the report: {n} members, ± {half} points; conditional on the model, not a forecast.", { n: members, half: number(half, 0) })
    : t("{n} members, ± {half} points; conditional on the model, not a forecast.", { n: members, half: number(half, 0) });
  map();
  detail();
  compare();
  update();
  document.body.dataset.shown = performance.now().toFixed(1);
}

const BLUES = ["#eef4f9", "#cfe2f0", "#a5cbe3", "#6fabd0", "#3f86b5"];
function map() {
  const chances = ui.indicator === "chance";
  const [factor, units, digits] = scale(ui.indicator);
  const shown = data.provinces.map((_, p) => value(numbers, ui.indicator, p, ui.year));
  const order = shown.filter((v) => v !== null).sort((a, b) => a - b);
  for (const part of at("tiles").children) {
    const province = part.dataset.province, p = data.provinces.indexOf(province);
    part.setAttribute("aria-pressed", province === ui.region);
    part.querySelector(".name").textContent = name(data.names[province]);
    const long = name(data.names[province]).length > 11;
    for (const [key, v] of [["textLength", 70], ["lengthAdjust", "spacingAndGlyphs"]]) long ? part.querySelector(".name").setAttribute(key, v) : part.querySelector(".name").removeAttribute(key);
    part.querySelector(".code").textContent = ui.lang === "zh" ? name(data.names[province]).slice(0, 3) : data.codes[province];
    let fill = "#ffffff", ink = "#3a3a3a", text = "–", small = "";
    if (p >= 0 && chances) {
      const end = ui.year === data.plan[1];
      const { columns } = verdictOf(numbers, ui.state, p);
      const at = end ? columns : { chance: { [p]: shown[p] }, low: { [p]: shown[p] }, high: { [p]: shown[p] } };
      const cls = classOf(at, p);
      [fill, ink] = [cls.fill, cls.ink];
      text = chance(at.chance[p]);
      if (end) small = `${data.lights[columns.level[p]].symbol} ${name(data.lights[columns.level[p]].word)}`;
    } else if (p >= 0 && shown[p] !== null) {
      const rank = Math.min(4, Math.floor((5 * order.indexOf(shown[p])) / order.length));
      [fill, ink] = [BLUES[rank], rank > 3 ? "#ffffff" : "#1f1f1f"];
      text = number(factor * shown[p], Math.abs(factor * shown[p]) >= 100 ? 0 : Math.min(digits, 2));
    } else if (p < 0) small = name(data.lights[0].word);
    part.querySelector("rect").setAttribute("fill", fill);
    for (const node of part.querySelectorAll("text")) node.setAttribute("fill", ink);
    part.querySelector(".value").textContent = text;
    part.querySelector(".light").textContent = small;
    const spoken = `${name(data.names[province])}: ${text} ${small}`;
    part.querySelector("title").textContent = spoken;
    part.setAttribute("aria-label", spoken);
  }
  const item = (fill, text) => {
    const node = document.createElement("li"), chip = Object.assign(document.createElement("span"), { className: "chip" });
    chip.style.background = fill;
    node.append(chip, ` ${text}`);
    return node;
  };
  at("legend").replaceChildren(...(chances
    ? data.classes.map((one) => item(one.fill, name(one.word)))
    : [item(BLUES[0], t("lowest fifth")), item(BLUES[4], t("highest fifth")), `${titles()[ui.indicator]}, ${units}, ${ui.year}`].map((one) => { if (typeof one !== "string") return one; const node = document.createElement("li"); node.textContent = one; return node; })));
}

function scenarios() {
  const list = [["now", ui.state, numbers]];
  for (const key of ["a", "b"]) if (slots[key]?.numbers) list.push([key, slots[key].state, slots[key].numbers]);
  return list;
}
const label = (key) => (key === "now" ? t("now") : key.toUpperCase());

function detail() {
  const r = index(), { columns } = verdictOf(numbers, ui.state, r);
  const [factor, units, digits] = scale(ui.indicator);
  const region = name(data.names[ui.region]);
  const here = value(numbers, ui.indicator, r, ui.year);
  if (ui.indicator === "chance") at("headline").textContent = (LEADS_CARBON ? (what) => t("{province}: carbon intensity falls {fall} % by {end}, target {target} %", what) : (what) => t("{province}: energy intensity falls {fall} % by {end}, target {target} %", what))({ province: region, fall: number(columns.reduction[r]), end: data.plan[1], target: number(columns.target[r]) });
  else at("headline").textContent = t("{region}, {year}: {name} {value} {unit} (80 % range {low} to {high})", { region, year: ui.year, name: titles()[ui.indicator], value: number(factor * here, digits), unit: units, low: number(factor * value(numbers, ui.indicator, r, ui.year, data.levels.indexOf(0.1)), digits), high: number(factor * value(numbers, ui.indicator, r, ui.year, data.levels.indexOf(0.9)), digits) });
  const lead = t("text: live verdict", { chance: chance(columns.chance[r]), low: chance(columns.low[r]), high: chance(columns.high[r]), margin: signed(columns.margin[r]), from: signed(columns.margin_10[r]), to: signed(columns.margin_90[r]), target: number(columns.target[r]) });
  const carbon = LEADS_CARBON ? ` ${t("Metric to 2025: CO2 of fuel burnt.")}` : numbers.carbon.chance[r] === null || numbers.carbon.chance[r] === undefined ? "" : ` ${t("Carbon target {target} %: chance {chance}; both: {both}.", { target: number(numbers.carbon.target[r]), chance: chance(numbers.carbon.chance[r]), both: chance(numbers.joint[r]) })}`;
  at("verdict").textContent = lead + carbon;
  const at_ = (of, level) => data.years.map((year) => { const v = value(of, ui.indicator, r, year, level); return v === null ? NaN : factor * v; });
  const bands = ui.indicator === "chance" ? [] : [[0, 6], [1, 5], [2, 4]].map(([low, high]) => [at_(numbers, low), at_(numbers, high)]);
  const lines = scenarios().reverse().map(([key, , of]) => ({ values: at_(of, MEDIAN), colour: LOOKS[key][0], dash: LOOKS[key][1], width: LOOKS[key][2], key }));
  let goal = null;
  const which = { intensity: "energy", carbon: "carbon" }[ui.indicator];
  const target = which ? numbers[which].target[r] : null;
  if (target !== null && target !== undefined) {
    const from = at_(numbers, MEDIAN)[data.years.indexOf(data.plan[0])];
    goal = { base: data.plan[0], end: data.plan[1], from, to: from * (1 - target / 100), label: t("target {change} %", { change: number(-target) }) };
  }
  const dots = (data.measured[ui.indicator]?.[ui.region] ?? []).map(([year, v]) => [year, factor * v]);
  const years = ui.indicator === "chance" ? { zero: true, top: 100 } : { zero: ui.indicator === "cost" };
  drawPath(at("chart"), { years: data.years, bands, lines, dots, goal, unit: units, year: ui.year, ...years });
  at("chart").setAttribute("aria-label", `${at("headline").textContent}. ${at("verdict").textContent}`);
  const items = lines.reverse().map(({ key, colour, dash }) => {
    const item = document.createElement("li"), line = shape("svg", { viewBox: "0 0 30 10", "aria-hidden": "true" });
    line.append(shape("line", { x1: 0, x2: 30, y1: 5, y2: 5, stroke: colour, "stroke-width": 3, "stroke-dasharray": dash }));
    item.append(line, key === "now" ? `${t("now")}${bands.length ? ` (${t("median; bands 50, 80, 95 %")})` : ""}` : label(key));
    return item;
  });
  if (dots.length) items.push(Object.assign(document.createElement("li"), { textContent: `● ${t("measured")}` }));
  at("lines").replaceChildren(...items);
  at("held").textContent = page === "early" ? t("These are the first {n} members; the others follow.", { n: numbers.members }) : page === "part" ? t("The links between provinces are those of the run before; all provinces follow.") : difference === null || isNation() ? "" : t("All provinces together differ from this province alone by at most {part} %.", { part: (100 * difference).toPrecision(1) });
  at("sum").textContent = t("All provinces' targets amount to {sum} % for the nation; {national} % was asked.", { sum: number(numbers.national), national: number(data.national) });
}

function compare() {
  const r = index(), list = scenarios();
  const row = (title, cell) => {
    const line = document.createElement("tr");
    line.append(...[title, ...list.map(cell)].map((text, i) => Object.assign(document.createElement(i && title ? "td" : "th"), { textContent: text, scope: i ? "" : "row" })));
    return line;
  };
  const rows = [row("", ([key]) => label(key)), row(t("Preset"), ([, state]) => name(data.presetNames[state.preset]) + (untouched(state) ? "" : ` *`)), row(t("Allocation rule"), ([, state]) => name(data.ruleNames[state.rule]))];
  rows.push(row(titles().chance, ([, state, of]) => chance(verdictOf(of, state, r).columns.chance[r])), row(t("Margin, points"), ([, state, of]) => signed(verdictOf(of, state, r).columns.margin[r])));
  if (!LEADS_CARBON) rows.push(row(t("Chance of the carbon target"), ([, , of]) => chance(of.carbon.chance[r])));
  for (const key of Object.keys(data.indicators)) {
    const [factor, units, digits] = scale(key);
    rows.push(row(`${titles()[key]}, ${ui.year}, ${units}`, ([, , of]) => number(factor * value(of, key, r, ui.year), digits)));
  }
  at("table").replaceChildren(...rows);
}

async function share() {
  history.replaceState(null, "", link());
  await navigator.clipboard?.writeText(location.href).catch(() => {});
  say(t("The link is copied."));
}

function csv() {
  const rows = REGIONS.map((region, r) => {
    const { columns, members } = verdictOf(numbers, ui.state, r);
    return [region, members, ...["target", "chance", "low", "high", "margin_10", "margin", "margin_90", "reduction"].map((c) => columns[c][r] ?? "")].join(",");
  });
  const r = index();
  const paths = Object.keys(data.indicators).flatMap((key) => data.years.map((year, y) => [ui.region, key, year, ...data.levels.map((_, i) => numbers.quantiles[key][i][r][y])].join(",")));
  return ["region,members,target,chance,low,high,margin_10,margin,margin_90,reduction", ...rows, "", `region,indicator,year,${data.levels.map((q) => `quantile ${q}`).join(",")}`, ...paths, ""].join("\r\n");
}

function picture() {
  const copy = at("chart").cloneNode(true);
  copy.setAttribute("xmlns", SVG);
  copy.prepend(shape("title", {}, at("chart").getAttribute("aria-label")));
  return new XMLSerializer().serializeToString(copy);
}

function save(file, content, kind) {
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(new Blob([content], { type: kind }));
  anchor.download = file;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 1000);
}

ui = first();
fromLink();
build();
words();
settled(false);
document.body.dataset.first = (performance.now() - started).toFixed(0);
