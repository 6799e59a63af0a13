"use strict";
// The worker: newest state first, one province before the nation, bars when nothing else is asked.
let engine = null, wanted = null, goal = null, idle = null, busy = false, shown = null; // idle: whose bars are still to come
const QUICK = 30, SOON = 400; // milliseconds in which members run for a first picture: of one province, of all
const LEAST = 24; // members of such a picture at least
const pace = { again: 20, anew: 60 }; // milliseconds that a block of all provinces took last, begun in the middle or not
const kept = []; // scenarios kept for comparison, answered after what is shown
const pause = () => new Promise((resolve) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = () => { port1.close(); resolve(); }; port2.postMessage(0); });
const send = (kind, content) => postMessage({ kind, ...content });
const unpacked = async (text) => JSON.parse(await new Response(new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("gzip"))).text());

// A second worker runs the second half of the members: `helper` is the way to it, `serving` the way back from it.
let helper = null, serving = null, waiting = null, tasks = 0, next = null, working = false;

onmessage = async ({ data: message }) => {
  if (message.kind === "open") {
    try {
      engine = await Engine.open({ ...message.data, ...(await unpacked(message.packed)) });
    } catch (fault) { // a browser from before 2023, or no memory
      send("fault", { text: String(fault?.message ?? fault) });
      return;
    }
    send("ready", {});
    serving?.postMessage({ ready: true });
  } else if (message.kind === "serve") {
    serving = message.port;
    serving.onmessage = ({ data: task }) => { next = task; serve(); };
    if (engine) serving.postMessage({ ready: true });
    return;
  } else if (message.kind === "helper") {
    message.port.onmessage = ({ data: answer }) => {
      if (answer.ready) helper = message.port;
      else if (waiting?.id === answer.id) waiting.resolve(answer.part);
    };
    return;
  } else if (message.kind === "goal") goal = message;
  else if (message.whole) kept.push(message);
  else wanted = message;
  if (busy || !engine) return;
  busy = true;
  while (wanted || goal || kept.length || idle) {
    try {
      await work();
    } catch (fault) {
      send("fault", { text: String(fault?.message ?? fault) });
    }
  }
  busy = false;
};

async function work() {
  if (goal && !wanted) {
    const asked = goal;
    goal = null;
    await joined(asked.state);
    await seek(asked);
    return;
  }
  if (!wanted && !kept.length) {
    const asked = idle;
    idle = null;
    await joined(asked.state);
    await bars(asked);
    return;
  }
  const asked = wanted ?? kept.shift();
  if (asked === wanted) wanted = null;
  const started = performance.now();
  const { state, region, id } = asked;
  const since = () => performance.now() - started;
  let part = false;
  if (shown && region < engine.P && !asked.whole) {
    for (const ran of engine.running(state, region)) if (ran >= LEAST && since() > QUICK) break;
    send("part", { id, region, numbers: engine.lone(state, region), milliseconds: since() });
    part = true;
    await pause(); // a handle that is still being dragged
    if (wanted) return;
  }
  const halves = Boolean(helper);
  const early = asked.whole ? null : (numbers) => send("early", { id, numbers, milliseconds: since() });
  if (!(await nation(state, () => wanted, early))) { // a newer state: this one is not finished
    if (asked.whole) kept.unshift(asked);
    return;
  }
  const difference = part ? engine.difference(region) : null;
  shown = state; // what joins the provinces is of this state
  send("whole", { id, numbers: engine.numbers(state), difference, halves, milliseconds: since() });
  if (!asked.whole) idle = region < engine.P ? asked : null;
}

// What joins the provinces, as it is under a state.
async function joined(state) {
  if (JSON.stringify(state) === JSON.stringify(shown)) return;
  await nation(state, () => false);
  shown = state;
}

// All provinces under a state, half of the members by the helper where there is one; false where something newer came.
// early: takes the numbers of those members that ran within the first moment, where not all did.
async function nation(state, newer, early = null) {
  const { N } = engine, half = helper ? engine.half() : N;
  const kind = engine.known(state) ? "again" : "anew";
  const long = pace[kind] * (half / engine.kernels.nation.width) > 2 * SOON; // else all are there soon enough
  const first = early && long ? Math.min(half, engine.blocksOf(SOON / pace[kind])) : half;
  const cuts = first < half ? [[0, first, half, Math.min(half + first, N)], [first, half, Math.min(half + first, N), N]] : [[0, half, half, N]];
  for (const [begin, end, from, to] of cuts) {
    const started = performance.now();
    const other = from < to ? ask(state, from, to) : null;
    if (!(await run(engine.blocks(state, begin, end), newer))) return false;
    const part = other && (await other);
    if (newer()) return false;
    if (part) engine.unpack(part, from, to);
    else if (other && !(await run(engine.blocks(state, from, to), newer))) return false; // the helper failed
    pace[kind] = ((performance.now() - started) * engine.kernels.nation.width) / (end - begin);
    if (end === half) continue;
    engine.join([[begin, end], [from, to]]);
    early(engine.numbers(state));
    await pause();
    if (newer()) return false;
  }
  engine.finish();
  return true;
}

// What `blocks` gives of some members, from the helper.
function ask(state, begin, end) {
  const id = ++tasks;
  helper.postMessage({ id, state, begin, end });
  return new Promise((resolve) => { waiting = { id, resolve }; });
}

// Blocks one after the other, with a pause for messages; false where something newer came.
async function run(blocks, newer, milliseconds = 25) {
  let slice = performance.now();
  for (const _ of blocks) {
    if (performance.now() - slice < milliseconds) continue;
    await pause();
    slice = performance.now();
    if (newer()) return false;
  }
  return true;
}

// The helper's side: the newest task alone.
async function serve() {
  if (working) return;
  working = true;
  while (next && engine) {
    const { id, state, begin, end } = next;
    next = null;
    let part = null;
    try {
      if (!(await run(engine.blocks(state, begin, end), () => next))) continue;
      part = engine.packed(begin, end);
    } catch {} // the other worker runs these members itself
    serving.postMessage({ id, part }, part ? [...part.raw, ...Object.values(part.coming)].map((one) => one.buffer) : []);
  }
  working = false;
}

// What each lever adds in the region, and what its full strength would add: one run of the province each.
async function bars({ state, region, id }) {
  const { L, data } = engine;
  const found = [];
  for (let l = 0; l < L; l++) {
    const strengths = engine.strengths(state);
    const now = strengths[region * L + l];
    const one = { lever: data.levers[l], now };
    for (const [name, value] of [["without", 0], ["full", 1]]) {
      if (value === now || !data.reach[region * L + l]) continue;
      strengths[region * L + l] = value;
      if (!(await run(engine.running(state, region, strengths), () => wanted || goal || kept.length, 8))) {
        idle = wanted ? null : { state, region, id };
        return;
      }
      const numbers = engine.lone(state, region);
      one[name] = { quantiles: Object.fromEntries(Object.entries(numbers.quantiles).map(([key, levels]) => [key, levels[data.levels.indexOf(0.5)][region]])), yearly: numbers.yearly[region], chance: numbers[engine.data.leads].chance[region] };
    }
    found.push(one);
  }
  send("bars", { id, region, bars: found });
}

async function seek({ state, region, chance, id }) {
  const search = engine.goal(state, region, chance);
  for (;;) {
    const step = search.next();
    if (step.done) {
      send("goal", { id, region, result: step.value });
      return;
    }
    send("progress", { id, share: step.value });
    await pause();
    if (goal) return;
  }
}
