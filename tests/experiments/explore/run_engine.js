"use strict";
// node run_engine.js WORKER.js DATA.json STATES.json OUT.json: the page's numbers for states, without a page.
const fs = require("fs");
const [worker, given, states, into] = process.argv.slice(2);
const code = fs.readFileSync(worker, "utf8").replaceAll(/^if \(typeof module.*$/gm, "");
const Engine = new Function("postMessage", `let onmessage; ${code}; return Engine;`)(() => {});
(async () => {
  const engine = await Engine.open(JSON.parse(fs.readFileSync(given)));
  const found = JSON.parse(fs.readFileSync(states)).map((state) => {
    for (const _ of engine.nation(state));
    const whole = engine.numbers(state);
    const alone = engine.alone(state, 18);
    return { whole, alone, difference: engine.difference(18), from: [engine.kernels.nation.from, engine.kernels.province.from] };
  });
  fs.writeFileSync(into, JSON.stringify(found));
})();
