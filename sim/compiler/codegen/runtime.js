"use strict";
// Runs a model that `Model.to_wasm` wrote: in a page, a worker or Node. No network, no dependence on a page.
//
//   const model = await SimWasm.open(bytes, description, data);      // bytes: kernel.wasm; data: Float64Array
//   model.members({ "fertility": Float64Array of members x cells }, 200);
//   const result = model.run({ params: { "policy": [0.5] }, rows: [3, 4] });
//   result.values["population"]                                      // Float64Array members x cells x times
//
// Values of a variable run over its dims in the order of the model, the last fastest.
const SimWasm = (() => {
  class SimModel {
    constructor(instance, description, data) {
      this.api = instance.exports;
      this.description = description;
      this.data = data;
      this.width = description.width;
      this.steps = description.steps;
      this.own = {};
      this.keep = 0; // the step at which blocks begin again, if what all members share is the same until there
      this.api._initialize?.();
      this.stop = this.memory(4);
      this.saves = this.memory(4 * this.steps);
      this.programs = {};
      for (const name of ["common", "member"]) if (description.programs[name]) this.programs[name] = this.prepared(name);
    }

    memory(bytes) {
      const at = (this.latest = this.api.malloc(Math.max(bytes, 8) + 64));
      if (!at) throw new Error("no memory for the kernel");
      return Math.ceil(at / 64) * 64;
    }

    doubles(at, length) {
      return new Float64Array(this.api.memory.buffer, at, length);
    }

    prepared(name) {
      const lanes = name === "common" ? 1 : this.width;
      const { inputs, outputs } = this.description.programs[name];
      const made = { name, lanes, at: {}, inputs, outputs: [], rows: 0 };
      for (const [region, entries] of Object.entries(inputs)) {
        const moving = region === "us" || region === "ms";
        const each = region[0] === "m" ? lanes : 1;
        let row = 0;
        for (const entry of entries) { entry.row = row; row += entry.cells; }
        const size = row * each * (moving ? this.steps : 1); // of a block of members
        // stale: by block, from which step on its members' values are to be written (steps: from none)
        made.at[region] = { start: each > 1 ? 0 : this.memory(8 * size), size, cells: row, each, moving, stale: null };
      }
      for (const { slot, cells } of outputs) {
        made.outputs.push({ slot, cells, row: made.rows });
        made.rows += cells;
      }
      made.out = this.memory(8 * made.rows * lanes * this.steps);
      return made;
    }

    // Keep the states of every block at a step (0: of none), so that runs which differ only later begin there.
    resumeAt(step) {
      const able = this.programs.member && this.description.programs.member.states && this.description.saved.some((t, k) => t >= 0 && k >= step);
      this.keep = able ? step : 0;
      this.kept = null;
      this.prefix = null;
    }

    // What an input that is the same for all members holds: its own value, the page's, or the common program's.
    uniform(program, params, shared) {
      for (const [region, entries] of Object.entries(program.inputs)) {
        const { start, cells, each, moving } = program.at[region];
        if (each > 1) continue;
        const steps = moving ? this.steps : 1;
        const into = this.doubles(start, cells * steps);
        for (const entry of entries) {
          const given = entry.name !== undefined && !entry.later ? params[entry.name] : undefined;
          let from = given, at = 0, stride = entry.cells;
          if (entry.from === "common") ({ from, at, stride } = shared(entry.slot));
          else if (given === undefined) { from = this.data; at = entry.at; }
          else if (given.length !== entry.cells * steps) throw new Error(`${entry.name}: got ${given.length} values, allowed: ${entry.cells * steps}`);
          for (let k = 0; k < steps; k++)
            for (let c = 0; c < entry.cells; c++) into[k * cells + entry.row + c] = from[at + k * stride + c];
        }
      }
    }

    // Values of every member by name (members x cells; of what moves over time steps x cells x members). Blocks take
    // them from the arrays when they run next; a name given anew renews them, what moves from the step `since` on.
    members(design, count, since = 0) {
      this.own = { ...this.own, ...design };
      const program = this.programs.member;
      const blocks = Math.ceil(count / this.width), other = count !== this.count;
      this.count = count;
      if (!program) return;
      for (const region of ["mc", "ms"]) {
        const entries = program.inputs[region], at = program.at[region];
        for (const entry of entries) {
          const values = this.own[entry.name];
          const wanted = entry.cells * count * (region === "ms" ? this.steps : 1);
          if (!values || values.length !== wanted) throw new Error(`${entry.name}: got ${values?.length} values, allowed: ${wanted}`);
        }
        if (other) {
          if (at.raw) this.api.free(at.raw);
          at.start = this.memory(8 * at.size * blocks);
          at.raw = this.latest;
          at.stale = new Int32Array(blocks).fill(0);
        } else if (entries.some(({ name }) => name in design)) {
          const from = at.moving ? since : 0;
          at.stale = at.stale.map((one) => Math.min(one, from));
        }
      }
      if (other) this.kept = null;
    }

    // Write what a block's members hold where the kernel reads it, if it has changed.
    lay(number) {
      const { inputs, at } = this.programs.member;
      const { width, count, steps } = this;
      const first = number * width;
      const lane = Array.from({ length: width }, (_, m) => Math.min(first + m, count - 1));
      for (const region of ["mc", "ms"]) {
        const { start, size, cells, moving, stale } = at[region];
        const since = stale[number];
        if (since >= steps) continue;
        stale[number] = steps;
        if (this.kept && since < this.keep) this.kept.there[number] = 0;
        const into = this.doubles(start + 8 * size * number, size);
        for (const { name, cells: own, row } of inputs[region]) {
          const values = this.own[name];
          if (!moving) {
            for (let c = 0; c < own; c++)
              for (let m = 0; m < width; m++) into[(row + c) * width + m] = values[lane[m] * own + c];
          } else {
            for (let k = since; k < steps; k++)
              for (let c = 0; c < own; c++) {
                const to = (k * cells + row + c) * width, from = (k * own + c) * count;
                for (let m = 0; m < width; m++) into[to + m] = values[from + lane[m]];
              }
          }
        }
      }
    }

    // kept: where the states of the block are, if any; resume: begin with them.
    call(program, every, rows, number = 0, kept = 0, resume = false) {
      const saved = new Int32Array(this.api.memory.buffer, this.saves, this.steps);
      for (let k = 0; k < this.steps; k++) saved[k] = every ? k : this.description.saved[k];
      const { uc, us, mc, ms } = program.at;
      const own = ({ start, size }) => start + 8 * size * number;
      const code = this.api[`run_${program.name}`](0, program.lanes, program.lanes, this.steps, this.saves, uc.start, us.start, own(mc), own(ms), program.out, this.stop, rows[0], rows[1], kept ? this.keep : 0, kept, resume ? 1 : 0);
      if (code) throw new Error(`the kernel ended with ${code}`);
      const saves = every ? this.steps : this.description.times.length;
      return this.doubles(program.out, saves * program.rows * program.lanes);
    }

    // What does not differ by member, if it is other than before; then `block` runs `width` members at a time.
    begin({ params = {}, rows = null } = {}) {
      const size = this.description.range?.size ?? 0;
      this.rows = rows ?? [0, size];
      if (rows && !(size && 0 <= rows[0] && rows[0] < rows[1] && rows[1] <= size)) throw new Error(`rows: got ${rows}, allowed: within 0 to ${size}`);
      const asked = { rows: this.rows, ...params };
      if (this.begun && same(asked, this.begun)) return;
      this.begun = null; // not, while it is written
      const places = new Map();
      const common = this.programs.common;
      if (common) {
        this.uniform(common, params, () => { throw new Error("no such input"); });
        this.call(common, true, [0, 0]);
        for (const { slot, row } of common.outputs) places.set(slot, row);
      }
      const shared = common && this.shared();
      if (this.programs.member) this.uniform(this.programs.member, params, (slot) => ({ from: shared, at: places.get(slot), stride: common.rows }));
      this.begun = Object.fromEntries(Object.entries(asked).map(([name, values]) => [name, values.slice()]));
      if (this.keep) this.compare();
    }

    // Whether what all members share is what it was up to the step at which blocks are kept.
    compare() {
      const { uc, us } = this.programs.member.at;
      const now = { rows: this.rows, uc: this.doubles(uc.start, uc.size), us: this.doubles(us.start, us.cells * this.keep) };
      if (this.prefix && same(now, this.prefix)) return;
      this.prefix = { rows: this.rows, uc: now.uc.slice(), us: now.us.slice() };
      this.kept?.there.fill(0);
    }

    // The block of members from `first`: (times x rows x width) as the kernel wrote it; with `every`, at every step.
    // With `resume` it may begin in the middle: steps before `from` are then those of the block's last run.
    block(first, every = false, resume = false) {
      const number = first / this.width, { states } = this.description.programs.member;
      if (this.keep && !this.kept) {
        const blocks = Math.ceil(this.count / this.width);
        if (this.room) this.api.free(this.room);
        this.kept = { start: this.memory(8 * states * this.width * blocks), there: new Uint8Array(blocks) };
        this.room = this.latest;
      }
      this.lay(number);
      const { kept } = this, again = Boolean(resume && kept?.there[number]);
      this.from = again ? this.keep : 0;
      const at = kept ? kept.start + 8 * states * this.width * number : 0;
      if (kept && !again) kept.there[number] = 0;
      const found = this.call(this.programs.member, every, this.rows, number, at, again);
      if (kept) kept.there[number] = 1;
      return found;
    }

    // Everything at once: {times, values: {name: members x cells x times}}; what all members share has one member.
    // With `resume` the arrays of the last such run are written again, from the step on at which blocks begin.
    run({ params = {}, rows = null, resume = false } = {}) {
      this.begin({ params, rows });
      const { times, outputs } = this.description;
      const values = {};
      const found = new Map();
      const member = this.programs.member;
      if (!resume || this.results?.count !== this.count) this.results = { count: this.count };
      for (const one of member?.outputs ?? []) found.set(one.slot, { ...one, into: (this.results[one.slot] ??= new Float64Array(one.cells * this.count * times.length)) });
      const steps = this.description.saved.flatMap((t, k) => (t >= 0 ? [k] : []));
      for (let first = 0; member && first < this.count; first += this.width) {
        const block = this.block(first, false, resume);
        const begun = steps.findIndex((k) => k >= this.from);
        for (const { row, cells, into } of found.values())
          for (let m = 0; m < Math.min(this.width, this.count - first); m++)
            for (let c = 0; c < cells; c++)
              for (let t = begun; t < times.length; t++)
                into[((first + m) * cells + c) * times.length + t] = block[(t * member.rows + row + c) * this.width + m];
      }
      for (const { name, slot } of outputs) values[name] = found.get(slot)?.into ?? this.alike(slot);
      return { times, values };
    }

    // What the common program gave: a view of the kernel's memory, which another run may move.
    shared() {
      const { out, rows } = this.programs.common;
      return this.doubles(out, this.steps * rows);
    }

    alike(slot) {
      const { saved, times } = this.description;
      const one = this.programs.common?.outputs.find((other) => other.slot === slot);
      const entry = one ?? [...this.uniforms()].find((other) => other.slot === slot);
      const into = new Float64Array(entry.cells * times.length);
      const shared = one && this.shared();
      saved.forEach((t, k) => {
        for (let c = 0; t >= 0 && c < entry.cells; c++)
          into[c * times.length + t] = one ? shared[k * this.programs.common.rows + one.row + c] : this.data[entry.at + c];
      });
      return into;
    }

    * uniforms() {
      for (const program of Object.values(this.programs)) for (const entries of Object.values(program.inputs)) yield* entries;
    }
  }

  // Whether two records hold the same arrays of numbers; NaN is the same as NaN.
  const same = (one, other) => {
    const names = Object.keys(one);
    if (names.length !== Object.keys(other).length) return false;
    return names.every((name) => {
      const [a, b] = [one[name], other[name]];
      if (a.length !== b?.length) return false;
      for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && (a[i] === a[i] || b[i] === b[i])) return false;
      return true;
    });
  };

  return {
    async open(bytes, description, data) {
      const { instance } = await WebAssembly.instantiate(bytes, {});
      return new SimModel(instance, description, data);
    },
  };
})();
if (typeof module !== "undefined") module.exports = SimWasm;
