"use strict";
// The worker: newest state first, one province before the nation, bars when nothing else is asked.
let engine = null, wanted = null, goal = null, idle = null, busy = false, shown = null; // idle: whose bars are still to come
const kept = []; // scenarios kept for comparison, answered after what is shown
const pause = () => new Promise((resolve) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = () => { port1.close(); resolve(); }; port2.postMessage(0); });
const send = (kind, content) => postMessage({ kind, ...content });

onmessage = async ({ data: message }) => {
  if (message.kind === "open") {
    engine = await Engine.open(message.data);
    send("ready", {});
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
  let part = false;
  if (shown && region < engine.P && !asked.whole) {
    send("part", { id, region, numbers: engine.alone(state, region), milliseconds: performance.now() - started });
    part = true;
  }
  let slice = performance.now();
  for (const _ of engine.nation(state)) {
    if (performance.now() - slice < 25) continue;
    await pause();
    slice = performance.now();
    if (wanted) { // a newer state: this one is not finished
      if (asked.whole) kept.unshift(asked);
      return;
    }
  }
  const difference = part ? engine.difference(region) : null;
  shown = state; // what joins the provinces is of this state
  send("whole", { id, numbers: engine.numbers(state), difference, milliseconds: performance.now() - started });
  if (!asked.whole) idle = region < engine.P ? asked : null;
}

// What joins the provinces, as it is under a state.
async function joined(state) {
  if (JSON.stringify(state) === JSON.stringify(shown)) return;
  for (const _ of engine.nation(state)) await pause();
  shown = state;
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
      const numbers = engine.alone(state, region, strengths);
      one[name] = { quantiles: Object.fromEntries(Object.entries(numbers.quantiles).map(([key, levels]) => [key, levels[data.levels.indexOf(0.5)][region]])), yearly: numbers.yearly[region], chance: numbers[engine.data.leads].chance[region] };
      await pause();
      if (wanted || goal || kept.length) {
        idle = wanted ? null : { state, region, id };
        return;
      }
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
