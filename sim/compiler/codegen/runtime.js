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
        made.at[region] = { start: each > 1 ? 0 : this.memory(8 * size), size, cells: row, each, moving, stale: null };
      }
      for (const { slot, cells } of outputs) {
        made.outputs.push({ slot, cells, row: made.rows });
        made.rows += cells;
      }
      made.out = this.memory(8 * made.rows * lanes * this.steps);
      return made;
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
    // them from the arrays when they run next; a name given anew renews them.
    members(design, count) {
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
          at.stale = new Uint8Array(blocks).fill(1);
        } else if (entries.some(({ name }) => name in design)) at.stale.fill(1);
      }
    }

    // Write what a block's members hold where the kernel reads it, if it has changed.
    lay(number) {
      const { inputs, at } = this.programs.member;
      const { width, count, steps } = this;
      const first = number * width;
      const lane = Array.from({ length: width }, (_, m) => Math.min(first + m, count - 1));
      for (const region of ["mc", "ms"]) {
        const { start, size, cells, moving, stale } = at[region];
        if (!stale[number]) continue;
        stale[number] = 0;
        const into = this.doubles(start + 8 * size * number, size);
        for (const { name, cells: own, row } of inputs[region]) {
          const values = this.own[name];
          if (!moving) {
            for (let c = 0; c < own; c++)
              for (let m = 0; m < width; m++) into[(row + c) * width + m] = values[lane[m] * own + c];
          } else {
            for (let k = 0; k < steps; k++)
              for (let c = 0; c < own; c++) {
                const to = (k * cells + row + c) * width, from = (k * own + c) * count;
                for (let m = 0; m < width; m++) into[to + m] = values[from + lane[m]];
              }
          }
        }
      }
    }

    call(program, every, rows, number = 0) {
      const saved = new Int32Array(this.api.memory.buffer, this.saves, this.steps);
      for (let k = 0; k < this.steps; k++) saved[k] = every ? k : this.description.saved[k];
      const { uc, us, mc, ms } = program.at;
      const own = ({ start, size }) => start + 8 * size * number;
      const code = this.api[`run_${program.name}`](0, program.lanes, program.lanes, this.steps, this.saves, uc.start, us.start, own(mc), own(ms), program.out, this.stop, rows[0], rows[1]);
      if (code) throw new Error(`the kernel ended with ${code}`);
      const saves = every ? this.steps : this.description.times.length;
      return this.doubles(program.out, saves * program.rows * program.lanes);
    }

    // What does not differ by member; then `block` runs `width` members at a time.
    begin({ params = {}, rows = null } = {}) {
      const size = this.description.range?.size ?? 0;
      this.rows = rows ?? [0, size];
      if (rows && !(size && 0 <= rows[0] && rows[0] < rows[1] && rows[1] <= size)) throw new Error(`rows: got ${rows}, allowed: within 0 to ${size}`);
      const places = new Map();
      const common = this.programs.common;
      if (common) {
        this.uniform(common, params, () => { throw new Error("no such input"); });
        this.call(common, true, [0, 0]);
        for (const { slot, row } of common.outputs) places.set(slot, row);
      }
      const shared = common && this.shared();
      if (this.programs.member) this.uniform(this.programs.member, params, (slot) => ({ from: shared, at: places.get(slot), stride: common.rows }));
    }

    // The block of members from `first`: (times x rows x width) as the kernel wrote it; with `every`, at every step.
    block(first, every = false) {
      const number = first / this.width;
      this.lay(number);
      return this.call(this.programs.member, every, this.rows, number);
    }

    // Everything at once: {times, values: {name: members x cells x times}}; what all members share has one member.
    run({ params = {}, rows = null } = {}) {
      this.begin({ params, rows });
      const { times, outputs } = this.description;
      const values = {};
      const found = new Map();
      const member = this.programs.member;
      for (const one of member?.outputs ?? []) found.set(one.slot, { ...one, into: new Float64Array(one.cells * this.count * times.length) });
      for (let first = 0; member && first < this.count; first += this.width) {
        const block = this.block(first);
        for (const { row, cells, into } of found.values())
          for (let m = 0; m < Math.min(this.width, this.count - first); m++)
            for (let c = 0; c < cells; c++)
              for (let t = 0; t < times.length; t++)
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

  return {
    async open(bytes, description, data) {
      const { instance } = await WebAssembly.instantiate(bytes, {});
      return new SimModel(instance, description, data);
    },
  };
})();
if (typeof module !== "undefined") module.exports = SimWasm;
