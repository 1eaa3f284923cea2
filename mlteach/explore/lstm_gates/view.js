// LstmGates: a short sequence through one LSTM cell; shape its gates and see what it carries.
// The mathematics is that of __init__.py, operation by operation; a test compares the two.
import { apart, axes, choice, clamp, explorer, figure, h, named, paintable, plot, s, scale, sig, slider, stroke } from "../base/base.js";

/** @typedef {{values: number[], marks: number[], forget: number[], input: number[], output: number[], computed: boolean,
 *             weights: number[], recurrent: number, step: number}} State */

const KEYS = ["values", "marks", "forget", "input", "output", "computed", "weights", "recurrent", "step"];
const STEPS = 24, NEAR = [0.2, 0.05], QUIET = 0.05;
const row = (values, rest = 0) => Array.from({ length: STEPS }, (_, k) => values[k + 1] ?? rest);
const same = (a, b) => a.length === b.length && a.every((x, k) => x === b[k]);

const at = { 3: 0.8 }, pulses = { 3: 1, 6: 1, 10: 1, 14: 1, 17: 1, 21: 1 }, ends = row({ 3: 1, 24: -1 });
const open = { forget: row({}, 1), input: row({}, 1), output: row({}, 1), computed: false };
/** What to begin with: the sequence and the gates. @type {Record<string, Partial<State>>} */
export const SCENES = {
  remember: { ...open, values: row(at), marks: ends },
  leak: { ...open, values: row(at), marks: ends, forget: row({}, 0.9) },
  count: { ...open, values: row(pulses), marks: row({}) },
  "start again": { ...open, values: row(pulses), marks: row({ 10: 1, 17: 1 }), forget: row({ 10: 0, 17: 0 }, 1) },
  distractors: { ...open, marks: ends, values: [0.5, -0.3, 0.8, 0.4, -0.6, 0.3, 0.6, -0.2, 0.5, 0.6, -0.4, 0.2,
    -0.7, 0.6, 0.3, -0.5, 0.4, 0.7, -0.3, -0.6, 0.5, 0.2, -0.4, 0.6] },
};

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

/** All that happens on the way. @param {State} state @param {number[]} [values] */
export function trace({ marks, forget, input, output, computed, weights: w, recurrent, ...state }, values = state.values) {
  const all = Object.fromEntries(["f", "i", "g", "o", "c", "h", "rnn", "left", "rnn_left", "part"].map((name) => [name, new Array(STEPS).fill(0)]));
  let c = 0, out = 0, rnn = 0;
  for (let k = 0; k < STEPS; k++) {
    const x = values[k];
    let i = input[k], f = forget[k], g = x, o = output[k];
    if (computed) {
      const sum = (j) => w[j] * x + w[j + 1] * marks[k] + w[j + 2] * out + w[j + 3];
      [i, f, g, o] = [sigmoid(sum(0)), sigmoid(sum(4)), Math.tanh(sum(8)), sigmoid(sum(12))];
    }
    c = f * c + i * g;
    out = o * Math.tanh(c);
    rnn = Math.tanh(x + recurrent * rnn);
    [all.f[k], all.i[k], all.g[k], all.o[k], all.c[k], all.h[k], all.rnn[k]] = [f, i, g, o, c, out, rnn];
  }
  let left = 1, rnnLeft = 1;
  for (let k = STEPS - 1; k >= 0; k--) {
    [all.left[k], all.rnn_left[k], all.part[k]] = [left, rnnLeft, left * (all.i[k] * all.g[k])];
    left *= all.f[k];
    rnnLeft *= recurrent * (1 - all.rnn[k] * all.rnn[k]);
  }
  return all;
}

const onTask = (state) => same(state.values, SCENES.distractors.values) && same(state.marks, SCENES.distractors.marks);

/** The error of c at the end and the noise of h before it, for the marked value and for its opposite; and the stars.
 * @param {State} state @returns {{error: number, noise: number, stars: number} | null} */
export function judged(state) {
  if (!onTask(state)) return null;
  let error = 0, noise = 0;
  for (const sign of [1, -1]) {
    const value = sign * state.values[2], { c, h: out } = trace(state, state.values.with(2, value));
    error = Math.max(error, Math.abs(c.at(-1) - value));
    noise = Math.max(noise, Math.abs(out.at(-1) - Math.tanh(value)), ...out.slice(0, -1).map(Math.abs));
  }
  const near = NEAR.filter((limit) => error <= limit).length;
  return { error, noise, stars: near + (near === 2 && noise <= QUIET ? 1 : 0) };
}

function halfLife(forget) {
  let left = 1;
  for (let k = 0; k < forget.length; k++) {
    left *= forget[k];
    if (left <= 0.5) return `half of it is gone after ${k + 1} step${k > 0 ? "s" : ""}`;
  }
  return "more than half of it is still there at the end";
}

/** @param {State} state @returns {string} */
export function summary(state) {
  const now = trace(state), k = state.step - 1, task = judged(state);
  let text = `Step ${state.step}: ${["f", "i", "o"].map((name) => `${name} = ${sig(now[name][k])}`).join(", ")}; c = ${sig(now.c[k])}, h = ${sig(now.h[k])}.`;
  if (state.step < STEPS)
    text += ` A nudge to c here reaches step ${STEPS} with ${sig(100 * now.left[k])} % of its size (in the RNN ${sig(100 * now.rnn_left[k])} %); ${halfLife(now.f.slice(k + 1))}.`;
  text += ` At the end c = ${sig(now.c.at(-1))}, h = ${sig(now.h.at(-1))}, and in the RNN h = ${sig(now.rnn.at(-1))}.`;
  if (task) text += ` The marked value was ${sig(state.values[2])}: off by ${sig(task.error)}. ${"★".repeat(task.stars)}`;
  return text.trimEnd();
}

const LANES = [
  { key: "values", name: "value", letter: "x", low: -1, hue: "fg" },
  { key: "forget", name: "forget", letter: "f", low: 0, hue: "lstm" },
  { key: "input", name: "input", letter: "i", low: 0, hue: "lstm" },
  { key: "output", name: "output", letter: "o", low: 0, hue: "lstm" },
];
const RIGHT = 42, LANE = 50, GAP = 9, TOP = 24;

function render(host) {
  return explorer(host, { title: "One LSTM cell: what it carries, what it forgets", watch: KEYS }, ({ root, get, set, guard }) => {
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    const carried = TOP + LANES.length * (LANE + GAP), tall = 150, left = carried + tall + 30, low = 96;
    const total = left + low + 42;
    const narrow = () => width < 430, edge0 = () => (narrow() ? 36 : 86);
    const sheet = plot({ label: "Gates and memory over time", ratio: (width) => total / width });
    let width = 600;
    const pitch = () => (width - edge0() - RIGHT) / STEPS, middle = (k) => edge0() + (k + 0.5) * pitch();
    /** Bars from zero, one a step, as the `d` of one path. */
    const boxes = (values, w, up) => values.map((v, k) => (v ? `M${(middle(k) - w / 2).toFixed(1)} ${up(0).toFixed(1)}h${w.toFixed(1)}V${up(v).toFixed(1)}h${(-w).toFixed(1)}z` : "")).join("");
    const column = (px) => clamp(Math.floor((px - edge0()) / pitch()), 0, STEPS - 1);

    /** A row to paint on: drag across it, or move along it by arrow keys and up and down in it. */
    function lane({ key, name, letter, low: least, hue }, index) {
      const y = TOP + index * (LANE + GAP), area = s("rect", { y, height: LANE, rx: 3 });
      const bars = s("g", { style: `--hue: var(--${hue})` });
      const node = s("g", { class: "mlx-lane", role: "slider", tabindex: 0, "aria-orientation": "vertical",
        "aria-valuemin": least, "aria-valuemax": 1 }, area);
      const told = () => key !== "values" && get("computed");
      const label = () => (key === "values" ? "value x, step by step" : `${name} gate ${letter}, step by step`);
      const write = (from, to, value) => {
        if (told()) return set({ step: to + 1 });
        const next = [...get(key)];
        for (let k = to; k !== from; k += Math.sign(from - to)) // a fast hand skips columns
          next[k] = Number((value + ((next[from] - value) * (k - to)) / (from - to)).toFixed(2));
        next[to] = value;
        set({ [key]: next, step: to + 1 });
      };
      paintable({ node, svg: sheet.node, top: y, tall: LANE, least, column, values: () => get(key), at: () => get("step") - 1,
        go: (k) => set({ step: k + 1 }), write, guard });
      sheet.back.append(bars);
      sheet.node.append(node);
      return (now, rows) => {
        area.setAttribute("x", edge0());
        area.setAttribute("width", (width - edge0() - RIGHT).toFixed(1));
        const up = scale(least, 1, y + LANE, y), w = Math.max(pitch() - 2, 3), given = rows[key === "values" ? "x" : letter];
        bars.innerHTML = `<path class="mlx-amount${told() ? " mlx-told" : ""}" d="${boxes(given, w, up)}"/>`
          + `<text x="${edge0() - 20}" y="${y + LANE / 2 + 5}" text-anchor="end">${narrow() ? letter : `${name} ${letter}`}</text>`
          + `<text x="${edge0() - 6}" y="${y + 11}" text-anchor="end">1</text><text x="${edge0() - 6}" y="${y + LANE}" text-anchor="end">${least === 0 ? 0 : "−1"}</text>`
          + (least < 0 ? `<path class="mlx-grid" d="M${edge0()} ${up(0)}H${width - RIGHT}"/>` : "");
        const v = given[now.step - 1];
        for (const [what, text] of Object.entries({ label: label(), valuenow: sig(v, 3), valuetext: `step ${now.step}: ${sig(v, 3)}`, disabled: told() }))
          node.setAttribute(`aria-${what}`, text);
      };
    }
    const lanes = LANES.map(lane), band = s("rect", { class: "mlx-column", y: TOP });
    sheet.node.insertBefore(band, sheet.back);

    function marks({ marks: given }) {
      const words = width > 560;
      return given.map((m, k) => (m === 0 ? "" : `<text x="${middle(k).toFixed(1)}" y="17" text-anchor="${m < 0 && words ? "end" : "middle"}">${m > 0 ? `▼${words ? " write" : ""}` : `${words ? "read " : ""}▲`}</text>`)).join("");
    }

    function curves(now, rows) {
      const every = [...rows.c, ...rows.h, ...rows.rnn], least = Math.floor(Math.min(0, ...every) + 1e-9), most = Math.ceil(Math.max(1, ...every) - 1e-9);
      const up = scale(least, most, carried + tall, carried + 8), along = (k) => middle(k - 1), edge = width - RIGHT;
      const points = (values) => values.map((v, k) => [middle(k), up(v)]);
      const names = [["c", rows.c, "lstm"], ["h", rows.h, "lstm"], ["RNN", rows.rnn, "baseline"]];
      const heights = apart(names.map(([, values]) => up(values.at(-1)) + 5), 15, carried + 8, carried + tall + 4);
      return axes({ x: along, y: up, xs: [], ys: [...new Set([least, 0, most])], left: edge0(), right: edge, bottom: carried + tall, xLabel: "", yText: (v) => (v < 0 ? `−${-v}` : v) })
        + `<text x="${edge0() - 20}" y="${carried + tall / 2 - 12}" text-anchor="end">${narrow() ? "" : "carried"}</text>`
        + stroke(points(rows.rnn), "baseline").replace("mlx-curve", "mlx-curve mlx-dashed")
        + stroke(points(rows.h), "lstm").replace("mlx-curve", "mlx-curve mlx-dotted")
        + stroke(points(rows.c), "lstm", 'stroke-width="3"')
        + names.map(([text, , hue], k) => named(edge + 5, heights[k], text, hue)).join("");
    }

    function remains(now, rows) {
      const up = scale(-1, 1, left + low, left), w = Math.max(pitch() - 2, 3), edge = width - RIGHT, along = (k) => middle(k - 1);
      const beside = (values, text, hue, k, below) => named(middle(k), below || values[k] > 0.6 ? clip(values[k]) + 17 : clip(Math.max(...values.slice(k, k + 9))) - 6, text, hue);
      const clip = (v) => up(clamp(v, -1, 1.05)), points = (values) => values.map((v, k) => [middle(k), clip(v)]);
      return axes({ x: along, y: up, xs: [1, 6, 12, 18, 24], ys: [-1, 0, 1], left: edge0(), right: edge, bottom: left + low, xLabel: "step", yText: (v) => (v < 0 ? "−1" : v) })
        + `<text x="${edge0()}" y="${left - 9}">${width < 300 ? "bars: parts of the last c" : narrow() ? "bars: each step's part of the last c" : "bars: what each step gives to the last c"}</text>`
        + `<path class="mlx-amount" style="--hue: var(--lstm)" opacity="0.5" d="${boxes(rows.part, w, clip)}"/>`
        + stroke(points(rows.rnn_left), "baseline").replace("mlx-curve", "mlx-curve mlx-dashed")
        + stroke(points(rows.left), "lstm") + beside(rows.left, "left of a nudge", "lstm", 1, false) + beside(rows.rnn_left, "RNN", "baseline", 14, true);
    }

    // The controls.
    const all = (key, name) => slider({ label: `${name}, all steps`, hue: "lstm", min: 0, max: 1, step: 0.01,
      get: () => get(key)[get("step") - 1], set: (x) => set({ [key]: row({}, x) }),
      show: (x) => (get(key).every((v) => v === x) ? sig(x, 3) : `${sig(x, 3)} here, it varies`) });
    const weight = (place, label, far) => slider({ label, hue: "lstm", min: -far, max: far, step: 0.1,
      get: () => get("weights")[place], set: (x) => set({ weights: get("weights").with(place, x) }) });
    const scenes = choice({ label: "Begin with", options: Object.keys(SCENES).map((value) => ({ value, text: value })),
      get: () => Object.keys(SCENES).find((name) => Object.entries(SCENES[name]).every(([key, v]) => (Array.isArray(v) ? same(v, get(key)) : v === get(key)))),
      set: (name) => set(SCENES[name]) });
    const mode = choice({ label: "The gates are", options: [{ value: "hand", text: "drawn by you" }, { value: "cell", text: "computed by the cell" }],
      get: () => (get("computed") ? "cell" : "hand"), set: (value) => set({ computed: value === "cell" }) });
    const byHand = [all("forget", "forget gate f"), all("input", "input gate i"), all("output", "output gate o")];
    const byCell = [weight(7, "forget: bias b", 8), weight(5, "forget: weight of m", 16), weight(3, "input: bias b", 8), weight(1, "input: weight of m", 16),
      weight(15, "output: bias b", 8), weight(13, "output: weight of m", 16), weight(8, "g: weight of x", 4)];
    const rnn = slider({ label: "the RNN's weight u", hue: "baseline", min: 0, max: 3, step: 0.05, get: () => get("recurrent"), set: (x) => set({ recurrent: x }) });
    const [hand, cell] = [byHand, byCell].map((group) => h("div", { class: `mlx-sliders${group === byCell ? " mlx-pairs" : ""}` }, ...group.map(({ node }) => node)));
    const formula = h("p", { class: "mlx-formula mlx-read" }), verdict = h("p");
    root.append(
      h("div", { class: "mlx-row" }, scenes.node, mode.node),
      h("div", { class: "mlx-two" },
        figure("Draw in the rows, or focus one: ← → moves the step, ↑ ↓ its value.", sheet.node),
        h("div", { class: "mlx-lstm-panel" }, formula, hand, cell, h("div", { class: "mlx-sliders" }, rnn.node),
          h("div", { class: "mlx-task" }, h("strong", {}, "Your task. "),
            "Among the distractors: the value under ▼ must still be the memory c at the last step, whatever comes between. For the third star h stays silent until ▲.", verdict))));

    function words(now, rows) {
      const k = now.step - 1, b = (v, hue = "lstm") => `<b style="--hue: var(--${hue})">${v}</b>`, part = (text) => `<span>${text}</span>`;
      const n = (v) => sig(v, 3).replace("-", "−"), before = (values) => (k ? values[k - 1] : 0), w = now.weights.map(n);
      const look = (name, j, outer) => part(`${name} = ${outer}(${w[j]}·x + ${w[j + 1]}·m + ${w[j + 2]}·hₜ₋₁ + ${w[j + 3]}) = ${b(n(rows[name][k]))}`) + "<br>";
      formula.innerHTML = part(`<strong>Step ${now.step}</strong>`) + part(`x = ${n(now.values[k])}`) + (now.marks[k] ? part(`m = ${n(now.marks[k])}`) : "") + "<br>"
        + (now.computed ? look("f", 4, "σ") + look("i", 0, "σ") + look("o", 12, "σ") + look("g", 8, "tanh") : "")
        + part("cₜ = f · cₜ₋₁ + i · g") + part(`= ${b(n(rows.f[k]))} · ${n(before(rows.c))} + ${b(n(rows.i[k]))} · ${n(rows.g[k])} = ${b(n(rows.c[k]))}`) + "<br>"
        + part("hₜ = o · tanh cₜ") + part(`= ${b(n(rows.o[k]))} · ${n(Math.tanh(rows.c[k]))} = ${b(n(rows.h[k]))}`) + "<br>"
        + part("RNN: hₜ = tanh(xₜ + u · hₜ₋₁)") + part(`= ${b(n(rows.rnn[k]), "baseline")}`);
    }

    return {
      summary: () => summary(state()),
      draw() {
        const now = state(), rows = { x: now.values, ...trace(now) }, task = judged(now);
        [width] = sheet.size();
        for (const draw of lanes) draw(now, rows);
        for (const [key, v] of Object.entries({ x: middle(now.step - 1) - pitch() / 2, width: pitch(), height: left + low - TOP }))
          band.setAttribute(key, v.toFixed(1));
        sheet.front.innerHTML = marks(now) + curves(now, rows) + remains(now, rows);
        hand.hidden = now.computed;
        cell.hidden = !now.computed;
        for (const control of [scenes, mode, rnn, ...(now.computed ? byCell : byHand)]) control.draw();
        words(now, rows);
        verdict.textContent = !task ? "Begin with the distractors to play."
          : `c ends ${sig(task.error)} away from the value or its opposite, the worse of the two. ${"★".repeat(task.stars)}${"☆".repeat(3 - task.stars)}`;
      },
    };
  });
}

export default { render };
