"use strict";
// The explorer's engine, free of any page: members, runs of the kernels, reductions, goal seek.
// What it computes has one owner in Python (experiments/explore/members.py, answer.py); tests hold both equal.

const bytes = (text) => {
  const raw = atob(text);
  const into = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) into[i] = raw.charCodeAt(i);
  return into;
};
const single = (text) => Float64Array.from(new Float32Array(bytes(text).buffer));
const double = (text) => new Float64Array(bytes(text).buffer);
const Z = 1.959963984540054; // normal quantile of a 95 % interval

class Engine {
  static async open(data) {
    const made = new Engine(data);
    for (const name of ["nation", "province"]) {
      const { wasm, description, values } = data.kernels[name];
      made.kernels[name] = await SimWasm.open(bytes(wasm), description, double(values));
    }
    made.prepare();
    return made;
  }

  constructor(data) {
    this.data = data;
    this.kernels = {};
  }

  prepare() {
    const { data } = this;
    this.N = data.members;
    this.P = data.provinces.length;
    this.Y = data.years.length;
    this.L = data.levers.length;
    this.K = data.free.names.length;
    this.S = data.free.sectors;
    this.base = data.years.indexOf(data.plan[0]);
    this.end = data.years.indexOf(data.plan[1]);
    this.response = single(data.response);
    this.A = data.assumptions.length;
    this.drawn = single(data.drawn); // members x all drawn inputs
    this.columns = data.drawnNames;
    this.at = Object.fromEntries(this.columns.map((name, i) => [name, i]));
    this.unmoved();
    const { N, P, Y } = this;
    this.factor = data.outputs.map(({ errors }) => {
      const into = new Float64Array(P * Y * N);
      const parts = errors.map((name) => this.log[name]);
      for (let i = 0; i < into.length; i++) into[i] = Math.exp(parts.reduce((sum, part) => sum + part[i], 0));
      return into;
    });
    this.log = null;
    this.raw = data.outputs.map(() => new Float64Array(P * Y * N));
    this.rows = data.outputs.map(() => new Float64Array((P + 1) * Y * N));
    const joined = () => Object.fromEntries(data.coupling.map(({ name, cells }) => [name, new Float64Array(cells * N * data.steps)]));
    this.coupling = joined(); // what joins the provinces: as of the last whole run, and of the present one
    this.coming = joined();
    // Nothing of a scenario acts before the plan: up to its base year runs are the same, which each kernel checks.
    this.keep = this.kernels.nation.description.saved.indexOf(this.base);
    for (const kernel of Object.values(this.kernels)) kernel.resumeAt(Math.max(0, this.keep));
    this.design = {};
    this.mixValues = [];
    this.key = null; // of the state whose members are laid out
    this.made = new Uint8Array(N); // which of them
    this.valid = new Uint8Array(N).fill(1);
  }

  // Free parameters before any assumption is moved, and the errors as (province, year, member).
  unmoved() {
    const { data, N, P, K, A, Y } = this;
    this.free = single(data.free.values);
    const place = data.assumptions.map((name) => this.at[name]);
    for (let m = 0; m < N; m++) {
      const shift = data.assumptions.map((name, a) => this.drawn[m * this.columns.length + place[a]] - data.reference[a]);
      for (let pk = 0; pk < P * K; pk++) {
        let sum = 0;
        for (let a = 0; a < A; a++) sum += this.response[pk * A + a] * shift[a];
        this.free[m * P * K + pk] += sum;
      }
    }
    this.log = {};
    for (const [name, text] of Object.entries(data.errors)) {
      const given = single(text);
      const into = (this.log[name] = new Float64Array(P * Y * N));
      for (let m = 0; m < N; m++)
        for (let p = 0; p < P; p++)
          for (let y = 0; y < Y; y++) into[(p * Y + y) * N + m] = given[(m * P + p) * Y + y];
    }
  }

  // Targets of what the study judges first, energy or carbon; of the other as the rule has them.
  targets(state) {
    const found = [...(this.data.leads === "carbon" ? this.data.carbonTargets : this.data.targets)[state.rule]];
    for (const [province, value] of Object.entries(state.targets ?? {})) found[this.data.provinces.indexOf(province)] = value;
    return found;
  }

  strengths(state) {
    const { data, P, L } = this;
    const values = single(data.presets[state.preset].strength);
    for (const [lever, value] of Object.entries(state.levers ?? {}))
      for (let p = 0; p < P; p++) values[p * L + data.levers.indexOf(lever)] = value;
    for (const [province, own] of Object.entries(state.own ?? {}))
      for (const [lever, value] of Object.entries(own)) values[data.provinces.indexOf(province) * L + data.levers.indexOf(lever)] = value;
    for (let i = 0; i < values.length; i++) if (!data.reach[i]) values[i] = 0;
    return values;
  }

  // What all members share, by the names of the model.
  params(state, strengths = this.strengths(state)) {
    const { data, P } = this;
    const preset = data.presets[state.preset];
    const asked = Float64Array.from(data.targetReduction);
    const carbon = new Float64Array(asked.length);
    for (let p = 0; p < P; p++) {
      const at = p * data.plans.length + data.judged;
      const moved = state.targets?.[data.provinces[p]];
      asked[at] = ((data.leads === "energy" ? moved : undefined) ?? data.pressing[state.rule][p]) / 100;
      carbon[at] = ((data.leads === "carbon" ? moved : undefined) ?? data.carbonPressing[state.rule][p]) / 100;
    }
    const more = Object.entries(data.mixes[state.preset]).map(([name, number]) => [name, (this.mixValues[number] ??= double(data.mixValues[number]))]);
    return { ...Object.fromEntries(more), "lever strength": strengths, "lever start": preset.start, "lever phase in": preset.phase, "target reduction": asked, "carbon target reduction": carbon };
  }

  // What of a state differs by member: assumptions and the delivery of levers.
  memberKey(state) {
    return JSON.stringify([state.assumptions ?? {}, data_delivery(this.data, state)]);
  }

  // Whether the members are those of the last run, so that a run need not begin with the first year.
  known(state) {
    return this.memberKey(state) === this.key;
  }

  // What differs by member; made again, member by member as they run, when it changes.
  members(state) {
    const key = this.memberKey(state);
    if (key === this.key) return;
    this.key = key;
    const { data, N, P, S, columns } = this, design = this.design;
    const array = (name, cells) => (design[name] ??= new Float64Array(N * cells));
    array("frontier ratio", P * S);
    array("base final energy", P * S);
    for (const { parameter } of data.free.names) array(parameter, P);
    const cells = Object.fromEntries(this.kernels.nation.description.programs.member.inputs.mc.map((one) => [one.name, one.cells]));
    const delivery = data.presets[state.preset].delivery;
    const given = state.assumptions ?? {};
    const moved = Object.entries(given).filter(([name]) => data.assumptions.includes(name));
    this.moves = {
      assumptions: moved.map(([name, value]) => ({ column: this.at[name], slope: data.assumptions.indexOf(name), value })),
      drawn: columns.flatMap((column, i) => {
        const { name, cell } = data.drawnCells[i]; // cell null: one value for all elements
        return name in cells && !(name in delivery) ? [{ into: array(name, cells[name]), cells: cells[name], cell, column: i, value: given[name] }] : [];
      }),
      delivery: Object.entries(delivery).map(([name, values]) => ({ into: array(name, this.L), column: values === "members" ? this.at[name] : null, values })),
    };
    this.made.fill(0);
    this.kernels.nation.members(design, N);
    this.kernels.province.members({ ...design, ...this.coupling }, N);
  }

  // The inputs of one member.
  member(m) {
    if (this.made[m]) return;
    this.made[m] = 1;
    const { data, P, K, S, A, L, design } = this;
    const { assumptions, drawn, delivery } = this.moves;
    const own = this.drawn.subarray(m * this.columns.length, (m + 1) * this.columns.length);
    const frontier = design["frontier ratio"], energy = design["base final energy"];
    const shift = assumptions.map(({ column, value }) => value - own[column]);
    for (let p = 0; p < P; p++) {
      const to = (m * P + p) * S;
      for (let s = 0; s < S; s++) { frontier[to + s] = data.free.frontier[s]; energy[to + s] = data.free.energy[p * S + s]; }
      for (let k = 0; k < K; k++) {
        let value = this.free[(m * P + p) * K + k];
        for (let i = 0; i < shift.length; i++) value += this.response[(p * K + k) * A + assumptions[i].slope] * shift[i];
        value = Math.min(Math.max(value, data.free.low[k]), data.free.high[k]);
        const { parameter, columns } = data.free.names[k];
        if (parameter === "base final energy") for (const s of columns) energy[to + s] = Math.exp(value) * data.free.energy[p * S + s];
        else if (parameter === "frontier ratio") for (const s of columns) frontier[to + s] = value;
        else design[parameter][m * P + p] = value;
      }
    }
    for (const { into, cells, cell, column, value } of drawn) {
      const number = value ?? own[column];
      if (cell === null) into.fill(number, m * cells, (m + 1) * cells);
      else into[m * cells + cell] = number;
    }
    for (const { into, column, values } of delivery) for (let l = 0; l < L; l++) into[m * L + l] = column === null ? values[l] : own[column];
  }

  // One block of members of a kernel, their inputs made where they are not.
  block(model, first, every) {
    for (let m = first; m < Math.min(this.N, first + model.width); m++) this.member(m);
    return model.block(first, every, true);
  }

  // All provinces together, a block of members at a time; what joins the provinces is kept for `province`.
  * nation(state) {
    yield* this.blocks(state, 0, this.N);
    this.finish();
  }

  // Some of the members, whole blocks of them, as another worker can run them.
  * blocks(state, begin, end) {
    const { data, N, P, Y } = this;
    this.members(state);
    const model = this.kernels.nation;
    const program = model.programs.member;
    const row = Object.fromEntries(model.description.outputs.map(({ name, slot }) => [name, program.outputs.find((one) => one.slot === slot).row]));
    model.begin({ params: this.params(state) });
    const times = model.description.saved.flatMap((at, k) => (at >= 0 ? [k] : []));
    const begun = () => times.findIndex((k) => k >= model.from); // the first year that the block's run has written
    const W = model.width;
    for (let first = begin; first < end; first += W) {
      const block = this.block(model, first, true);
      const lanes = Math.min(W, N - first);
      data.outputs.forEach(({ name }, o) => {
        for (let y = begun(); y < Y; y++)
          for (let p = 0; p < P; p++) {
            const from = (times[y] * program.rows + row[name] + p) * W;
            for (let m = 0; m < lanes; m++) this.raw[o][(p * Y + y) * N + first + m] = block[from + m];
          }
      });
      for (const { name, cells } of data.coupling) {
        const into = this.coming[name];
        for (let k = model.from; k < data.steps; k++)
          for (let c = 0; c < cells; c++)
            for (let m = 0; m < lanes; m++) into[(k * cells + c) * N + first + m] = block[(k * program.rows + row[name] + c) * W + m];
      }
      yield first + lanes;
    }
  }

  // The first member of the second half, a whole number of blocks in.
  half() {
    const W = this.kernels.nation.width;
    return Math.min(this.N, W * Math.ceil(this.N / W / 2));
  }

  // So many whole blocks as members, at least two.
  blocksOf(count) {
    return this.kernels.nation.width * Math.max(2, Math.floor(count));
  }

  // What `blocks` wrote of some members: arrays to hand over, and their way back.
  packed(begin, end) {
    const cut = (from) => {
      const rows = from.length / this.N, into = new Float64Array(rows * (end - begin));
      for (let r = 0; r < rows; r++) into.set(from.subarray(r * this.N + begin, r * this.N + end), r * (end - begin));
      return into;
    };
    return { raw: this.raw.map(cut), coming: Object.fromEntries(Object.entries(this.coming).map(([name, values]) => [name, cut(values)])) };
  }

  unpack({ raw, coming }, begin, end) {
    const paste = (from, into) => {
      const width = end - begin;
      for (let r = 0; r < from.length / width; r++) into.set(from.subarray(r * width, (r + 1) * width), r * this.N + begin);
    };
    raw.forEach((values, o) => paste(values, this.raw[o]));
    for (const [name, values] of Object.entries(coming)) paste(values, this.coming[name]);
  }

  // All members have run: what joins the provinces, the errors, the nation.
  finish() {
    let since = this.keep;
    for (const [name, values] of Object.entries(this.coming)) {
      const held = this.coupling[name], before = (values.length / this.data.steps) * this.keep;
      for (let i = 0; i < before && since; i++) if (values[i] !== held[i]) since = 0;
      held.set(values);
    }
    this.kernels.province.members(this.coupling, this.N, since);
    this.join();
    this.last = this.valid.slice(); // of the last run of all members
  }

  // One province alone with what joins the provinces as of the last run of all, a block of members at a time: its
  // outputs into `into` (output, year, member); yields how many members have run.
  * province(state, p, strengths, into) {
    const { data, N, Y } = this;
    this.members(state);
    const model = this.kernels.province;
    const program = model.programs.member;
    const row = Object.fromEntries(model.description.outputs.map(({ name, slot }) => [name, program.outputs.find((one) => one.slot === slot).row]));
    model.begin({ params: this.params(state, strengths ?? this.strengths(state)), rows: [p, p + 1] });
    const times = model.description.saved.flatMap((at, k) => (at >= 0 ? [k] : []));
    const W = model.width;
    for (let first = 0; first < N; first += W) {
      const block = this.block(model, first, false);
      const lanes = Math.min(W, N - first);
      data.outputs.forEach(({ name }, o) => {
        for (let y = times.findIndex((k) => k >= model.from); y < Y; y++) {
          const from = (y * program.rows + row[name] + p) * W;
          for (let m = 0; m < lanes; m++) into[o][y * N + first + m] = block[from + m];
        }
      });
      yield first + lanes;
    }
  }

  // The predictive errors laid on one province's outputs.
  disturb(p) {
    const { N, Y } = this;
    const from = p * Y * N, to = (p + 1) * Y * N;
    this.raw.forEach((raw, o) => {
      const factor = this.factor[o], rows = this.rows[o];
      for (let i = from; i < to; i++) rows[i] = raw[i] * factor[i];
    });
  }

  // The provinces with their errors, the nation from them, and which members count: valid ones that have run.
  // ran: [first, last + 1] of those; none: all.
  join(ran = [[0, this.N]]) {
    const { data, N, P, Y } = this;
    for (let p = 0; p < P; p++) this.disturb(p);
    const gdp = this.rows[data.gdp];
    const last = P * Y * N;
    data.outputs.forEach(({ nation }, o) => {
      const rows = this.rows[o];
      for (let i = 0; i < Y * N; i++) {
        let sum = 0, weight = 0;
        for (let p = 0; p < P; p++) {
          const at = p * Y * N + i;
          sum += nation === "sum" ? rows[at] : rows[at] * gdp[at];
          weight += gdp[at];
        }
        rows[last + i] = nation === "sum" ? sum : sum / weight;
      }
    });
    this.valid.fill(0);
    for (const [begin, end] of ran) this.valid.fill(1, begin, end);
    for (const rows of this.rows) for (let i = 0; i < rows.length; i++) if (!Number.isFinite(rows[i])) this.valid[i % N] = 0;
  }

  // An indicator of a region in a year: of the members that count, in their order.
  values(indicator, region, year) {
    const { rows, data, index } = this, { co2, gdp } = data.indicators;
    const from = (region * this.Y + year) * this.N, into = new Float64Array(index.length);
    const one = rows[indicator === "carbon" ? co2 : data.indicators[indicator]], over = indicator === "carbon" ? rows[gdp] : null;
    for (let i = 0; i < index.length; i++) into[i] = over ? one[from + index[i]] / over[from + index[i]] : one[from + index[i]];
    return into;
  }

  // Its fall since the base year, per cent.
  fall(indicator, region, year) {
    const base = this.values(indicator, region, this.base);
    return this.values(indicator, region, year).map((value, i) => 100 * (1 - value / base[i]));
  }

  // Every number of some regions: the same as `answer` in Python.
  numbers(state, regions = Array.from({ length: this.P + 1 }, (_, i) => i)) {
    const { data } = this;
    this.index = Int32Array.from(this.valid.keys()).filter((m) => this.valid[m]);
    this.count = this.index.length;
    const leading = this.targets(state), lead = data.leads === "carbon" ? "carbon" : "intensity";
    const targets = lead === "carbon" ? data.targets[state.rule] : leading;
    const carbon = lead === "carbon" ? leading : data.carbonTargets[state.rule];
    const found = { members: this.count, targets: leading, energy: {}, carbon: {}, joint: [], yearly: [], quantiles: {}, national: this.national(leading) };
    for (const r of regions) {
      const falls = { intensity: this.fall("intensity", r, this.end), carbon: this.fall("carbon", r, this.end) };
      const both = falls.intensity.filter((value, i) => value >= targets[r] && falls.carbon[i] >= carbon[r]).length;
      found.joint[r] = carbon[r] === null || targets[r] === null ? null : both / this.count;
      found.yearly[r] = data.progress.map((part, i) => {
        if (leading[r] === null) return null;
        return this.fall(lead, r, this.base + 1 + i).filter((value) => value >= leading[r] * part).length / this.count;
      });
      verdict(found.energy, r, falls.intensity.sort(), targets[r], data);
      verdict(found.carbon, r, falls.carbon.sort(), carbon[r], data);
    }
    for (const indicator of Object.keys(data.indicators)) {
      const levels = (found.quantiles[indicator] = data.levels.map(() => []));
      for (const r of regions) {
        levels.forEach((level) => { level[r] = new Array(this.Y); });
        for (let y = 0; y < this.Y; y++) {
          const ordered = this.values(indicator, r, y).sort();
          data.levels.forEach((q, i) => { levels[i][r][y] = quantile(ordered, q); });
        }
      }
    }
    return found;
  }

  // One province moved alone, block by block: yields how many members have run.
  * running(state, p, strengths) {
    this.scratch ??= this.raw.map(() => new Float64Array(this.Y * this.N));
    for (this.ran of this.province(state, p, strengths, this.scratch)) yield this.ran;
  }

  // The numbers of the province that ran last, of the members that have run; its outputs are kept for `difference`.
  lone(state, p) {
    const { N, Y } = this;
    this.kept ??= this.rows.map(() => new Float64Array(Y * N));
    const from = p * Y * N, valid = this.valid;
    this.valid = this.last.slice().fill(0, this.ran);
    this.rows.forEach((rows, o) => {
      this.kept[o].set(rows.subarray(from, from + Y * N));
      for (let i = 0; i < Y * N; i++) rows[from + i] = this.scratch[o][i] * this.factor[o][from + i];
    });
    const found = this.numbers(state, [p]);
    this.rows.forEach((rows, o) => rows.set(this.kept[o], from));
    this.valid = valid;
    return found;
  }

  // One province moved alone: its numbers.
  alone(state, p, strengths) {
    for (const _ of this.running(state, p, strengths));
    return this.lone(state, p);
  }

  // The largest relative difference between what `lone` gave last and the run of all provinces, over members and years.
  difference(p) {
    let worst = 0;
    this.raw.forEach((raw, o) => {
      if (o === this.data.indicators.cost) return; // crosses zero
      for (let i = 0; i < this.Y * this.N; i++) {
        if (i % this.N >= this.ran) continue;
        const whole = raw[p * this.Y * this.N + i];
        if (Number.isFinite(whole)) worst = Math.max(worst, Math.abs(this.scratch[o][i] / whole - 1));
      }
    });
    return worst;
  }

  // The nation's cut that the provinces' targets amount to, per cent.
  national(targets) {
    const { energy, gdp, growth } = this.data.weights;
    if (targets.some((one, p) => one === null && energy[p] > 0)) return null;
    let after = 0, before = 0, first = 0, last = 0;
    energy.forEach((e, p) => {
      if (e > 0) { after += e * (1 - targets[p] / 100) * growth[p]; before += e; }
      first += gdp[p];
      last += gdp[p] * growth[p];
    });
    return 100 * (1 - after / before / (last / first));
  }

  // Share of valid members of a province that meet its target under lever strengths (lever); each is run once.
  reached(state, p, own, cache) {
    const key = own.join();
    if (!cache.has(key)) {
      const strengths = this.strengths(state);
      strengths.set(own, p * this.L);
      cache.set(key, this.falls(state, p, strengths));
    }
    const falls = cache.get(key);
    const target = this.targets(state)[p];
    return falls.filter((value) => value >= target).length / falls.length;
  }

  falls(state, p, strengths) {
    const { N, Y, base, end } = this;
    const { indicators, leads } = this.data;
    for (const _ of this.running(state, p, strengths));
    const read = (o, y, m) => this.scratch[o][y * N + m] * this.factor[o][(p * Y + y) * N + m];
    const value = (y, m) => (leads === "carbon" ? read(indicators.co2, y, m) / read(indicators.gdp, y, m) : read(indicators.intensity, y, m));
    const found = [];
    for (let m = 0; m < N; m++) {
      const fall = 100 * (1 - value(end, m) / value(base, m));
      if (this.last[m] && Number.isFinite(fall)) found.push(fall);
    }
    return found;
  }

  // The cheapest levers of one province that reach its target with a chance, or what binds: as `tanlu solve` searches.
  * goal(state, p, chance) {
    const { L, data } = this;
    const cache = new Map();
    const usable = Array.from({ length: L }, (_, l) => (data.reach[p * L + l] ? 1 : 0));
    const ask = (own) => this.reached(state, p, own, cache);
    const none = ask(new Array(L).fill(0));
    yield 0;
    if (none >= chance) return { found: "none", chance: none, levers: new Array(L).fill(0) };
    const best = ask(usable);
    if (best < chance) {
      const middle = (own) => { ask(own); return quantile(Float64Array.from(cache.get(own.join())).sort(), 1 - chance); };
      const here = middle(usable);
      const gains = [];
      for (let l = 0; l < L; l++) {
        if (usable[l]) gains.push([middle(usable.map((s, k) => (k === l ? data.beyond : s))) - here, l]);
        yield (l + 1) / L;
      }
      const [gain, lever] = gains.reduce((a, b) => (b[0] > a[0] ? b : a));
      return { found: "bound", chance: best, binding: data.levers[lever], gain, levers: usable };
    }
    let own = [...usable];
    const order = data.cost.map((cost, l) => [-cost, l]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (let i = 0; i < L; i++) {
      const l = order[i][1];
      const at = (value) => own.map((s, k) => (k === l ? value : s));
      if (own[l] === 0 || ask(at(0)) >= chance) own = at(0);
      else {
        let low = 0, high = own[l];
        while (high - low > data.resolution) {
          const middle = (low + high) / 2;
          if (ask(at(middle)) >= chance) high = middle;
          else low = middle;
          yield (i + 0.5) / L;
        }
        own = at(high);
      }
      yield (i + 1) / L;
    }
    return { found: "levers", chance: ask(own), levers: own };
  }
}

function data_delivery(data, state) {
  return data.presets[state.preset].delivery;
}

function quantile(ordered, level) {
  if (!ordered.length) return null;
  const at = (ordered.length - 1) * level;
  const low = Math.floor(at), high = Math.ceil(at);
  return ordered[low] + (at - low) * (ordered[high] - ordered[low]);
}

function wilson(hits, n) {
  if (!n) return [null, null];
  const p = hits / n, z2 = Z * Z;
  const centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  return [hits ? centre - half : 0, hits === n ? 1 : centre + half];
}

// Columns of a verdict from ordered reductions, per cent.
function verdict(columns, r, falls, target, data) {
  const n = falls.length;
  const put = (name, value) => { (columns[name] ??= [])[r] = value; };
  put("target", target);
  put("reduction", quantile(falls, 0.5));
  if (target === null || !n) {
    for (const name of ["chance", "low", "high", "margin_10", "margin", "margin_90"]) put(name, null);
    put("level", 0);
    return;
  }
  const hits = falls.filter((value) => value - target >= 0).length;
  const [low, high] = wilson(hits, n);
  put("chance", hits / n);
  put("low", low);
  put("high", high);
  const margins = falls.map((value) => value - target);
  put("margin_10", quantile(margins, 0.1));
  put("margin", quantile(margins, 0.5));
  put("margin_90", quantile(margins, 0.9));
  const met = falls.filter((value) => value >= target).length;
  const far = falls.filter((value) => value < target * (1 - data.redBeyond)).length;
  const [red, yellow, green] = [far / n, (n - met - far) / n, met / n];
  put("level", 1 + Math.min(2, [red, red + yellow, red + yellow + green].filter((sum) => sum < 0.5).length));
}
if (typeof module !== "undefined") module.exports = { Engine };
