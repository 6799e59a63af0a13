"use strict";
// node run_wasm.js FOLDER DESIGN.json OUT.json: what `Model.to_wasm` wrote, run on a design; NaN is written as null.
const fs = require("fs");
const path = require("path");
const [folder, asked, into] = process.argv.slice(2);
const SimWasm = require(path.resolve(folder, "runtime.js"));
const read = (name) => fs.readFileSync(path.join(folder, name));
(async () => {
  const raw = read("kernel.f64");
  const data = new Float64Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
  const model = await SimWasm.open(read("kernel.wasm"), JSON.parse(read("kernel.json")), data);
  const { design, count, params, rows, resume, before } = JSON.parse(fs.readFileSync(asked));
  model.members(design, count);
  if (resume) model.resumeAt(resume);
  for (const other of before ?? []) model.run({ params: other, resume: true });
  const { times, values } = model.run({ params: params ?? {}, rows: rows ?? null, resume: Boolean(resume) });
  if (resume) values.from = [model.from];
  const plain = Object.fromEntries(Object.entries(values).map(([name, array]) => [name, Array.from(array, (v) => (Number.isFinite(v) ? v : String(v)))]));
  fs.writeFileSync(into, JSON.stringify({ times, values: plain }));
})();
