// LearnedStep: what a learned optimizer does with the gradients it has seen. The mathematics is that of __init__.py,
// operation by operation; a test compares the two.
import { apart, axes, choice, clamp, explorer, figure, floats, h, named, paintable, plot, s, scale, sig, slider, stroke, ticks } from "../base/base.js";

/** @typedef {{gradients: number[], unit: number, step: number, raw: number, scale: number, rates: number[]}} State */

const STEPS = 16, WIDTH = 20, P = 10, MU = 0.9, BETA1 = 0.9, BETA2 = 0.999, EPS = 1e-8;
const KEYS = ["gradients", "unit", "step", "weights", "raw", "scale", "rates"];
export const OPTIMIZERS = ["learned", "SGD", "momentum", "Adam"];
const LOOK = { learned: ["lstm", ""], SGD: ["baseline", 'stroke-dasharray="7 5"'], momentum: ["baseline", 'stroke-dasharray="2 4"'], Adam: ["baseline", 'stroke-dasharray="9 4 2 4"'] };
const each = (f) => Array.from({ length: STEPS }, (_, k) => f(k));

/** The gradients to begin with, as shares of the unit. @type {Record<string, number[]>} */
export const SCENES = {
  "the same again": each(() => 0.5),
  "up and down": each((k) => (k % 2 ? -0.5 : 0.5)),
  "getting smaller": each((k) => Number((0.7 ** k).toFixed(2))),
  "one large": each((k) => (k === 4 ? 1 : 0.05)),
  "turning back": each((k) => (k < 8 ? 0.5 : -0.5)),
  "noise on a slope": [0.7, -0.4, 0.9, 0.2, -0.3, 1, 0.1, 0.4, -0.6, 0.8, 0.5, -0.2, 0.9, -0.1, 0.6, 0.3],
};

const PARTS = [["in1", 80 * 3], ["hid1", 80 * 20], ["bias1", 80], ["in2", 80 * 20], ["hid2", 80 * 20], ["bias2", 80], ["out", 20], ["last", 1]];

/** The shipped numbers by name. @param {ArrayLike<number>} numbers */
export function unpack(numbers) {
  let at = 0;
  return Object.fromEntries(PARTS.map(([name, count]) => [name, Float64Array.from({ length: count }, (_, k) => numbers[at + k]), (at += count)]));
}

const sigmoid = (z) => 1 / (1 + Math.exp(-z));
const fresh = () => ({ h1: new Float64Array(WIDTH), c1: new Float64Array(WIDTH), h2: new Float64Array(WIDTH), c2: new Float64Array(WIDTH), velocity: 0, m: 0, v: 0 });

/** One layer: new h and c. */
function layer(x, before, c, input, hidden, bias) {
  const n = x.length, after = new Float64Array(WIDTH), memory = new Float64Array(WIDTH), z = new Float64Array(4 * WIDTH);
  for (let r = 0; r < 4 * WIDTH; r++) {
    let sum = bias[r];
    for (let k = 0; k < n; k++) sum += input[r * n + k] * x[k];
    for (let k = 0; k < WIDTH; k++) sum += hidden[r * WIDTH + k] * before[k];
    z[r] = sum;
  }
  for (let k = 0; k < WIDTH; k++) {
    memory[k] = sigmoid(z[WIDTH + k]) * c[k] + sigmoid(z[k]) * Math.tanh(z[2 * WIDTH + k]);
    after[k] = sigmoid(z[3 * WIDTH + k]) * Math.tanh(memory[k]);
  }
  return [after, memory];
}

/** All four optimizers see gradient g at step t (from 1): their updates, and what they remember from here on.
 * @param {State} state @param {any} w @param {any} memory @param {number} g @param {number} t */
export function advance(state, w, memory, g, t) {
  const seen = [Math.log(Math.max(Math.abs(g), Math.exp(-P))) / P, clamp(Math.exp(P) * g, -1, 1), state.raw * g];
  const [h1, c1] = layer(seen, memory.h1, memory.c1, w.in1, w.hid1, w.bias1);
  const [h2, c2] = layer(h1, memory.h2, memory.c2, w.in2, w.hid2, w.bias2);
  let sum = w.last[0];
  for (let k = 0; k < WIDTH; k++) sum += w.out[k] * h2[k];
  const velocity = MU * memory.velocity + g, m = BETA1 * memory.m + (1 - BETA1) * g, v = BETA2 * memory.v + (1 - BETA2) * g * g;
  const [descent, gathered, adam] = state.rates;
  const update = { learned: state.scale * sum, SGD: -descent * g, momentum: -gathered * velocity,
    Adam: (-adam * (m / (1 - BETA1 ** t))) / (Math.sqrt(v / (1 - BETA2 ** t)) + EPS) };
  return { update, memory: { h1, c1, h2, c2, velocity, m, v } };
}

/** What each adds at each step, and what they remembered before the step looked at. @param {State} state @param {any} w */
export function updates(state, w) {
  const rows = Object.fromEntries(OPTIMIZERS.map((name) => [name, []]));
  let memory = fresh(), before = memory;
  state.gradients.forEach((share, k) => {
    if (k === state.step - 1) before = memory;
    const next = advance(state, w, memory, state.unit * share, k + 1);
    for (const name of OPTIMIZERS) rows[name].push(next.update[name]);
    memory = next.memory;
  });
  return { rows, before };
}

/** What each would add at the step looked at for other gradients there. @param {State} state @param {any} w @param {any} before @param {number[]} shares */
export function responses(state, w, before, shares) {
  const found = shares.map((share) => advance(state, w, before, state.unit * share, state.step).update);
  return Object.fromEntries(OPTIMIZERS.map((name) => [name, found.map((update) => update[name])]));
}

/** The sum; zero where steps up and down cancel to rounding. @param {number[]} row */
function together(row) {
  const total = row.reduce((a, b) => a + b, 0), way = row.reduce((a, b) => a + Math.abs(b), 0);
  return Math.abs(total) > 1e-9 * way ? total : 0;
}

/** @param {State} state @param {any} w @returns {string} */
export function summary(state, w) {
  const { rows } = updates(state, w), k = state.step - 1;
  const said = OPTIMIZERS.slice(1).map((name) => `${name} ${sig(rows[name][k])}`).join(", ");
  const total = OPTIMIZERS.map((name) => `${name} ${sig(together(rows[name]))}`).join(", ");
  return `Step ${state.step}: the gradient is ${sig(state.unit * state.gradients[k])}. The learned optimizer adds ${sig(rows.learned[k])} to the weight; ${said}. All ${STEPS} steps together: ${total}.`;
}

const LEFT = 62, RIGHT = 104, LANE = 96, TOP = 10, TALL = 210;
const SHARES = Array.from({ length: 41 }, (_, k) => (k - 20) / 20);

function render(host) {
  return explorer(host, { title: "What a learned optimizer does with the gradients it has seen", watch: KEYS }, ({ root, get, set, guard }) => {
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    let loaded = null, w = null;
    const net = () => (get("weights") === loaded ? w : ((loaded = get("weights")), (w = unpack(floats(loaded)))));

    const bottom = TOP + LANE + 40 + TALL, total = bottom + 42;
    const sheet = plot({ label: "Gradients and steps over time", ratio: (width) => total / width });
    const curve = plot({ label: "The step as a function of the gradient", ratio: (width) => clamp(total / width, 0.6, 1.2) });
    let width = 600;
    const right = () => width - RIGHT, pitch = () => (right() - LEFT) / STEPS, middle = (k) => LEFT + (k + 0.5) * pitch();
    const column = (px) => clamp(Math.floor((px - LEFT) / pitch()), 0, STEPS - 1);

    // The lane of gradients: drag across it, or move along it by arrow keys and up and down in it.
    const area = s("rect", { x: LEFT, y: TOP, height: LANE, rx: 3 }), band = s("rect", { class: "mlx-column", y: TOP, height: bottom - TOP });
    const lane = s("g", { class: "mlx-lane", role: "slider", tabindex: 0, "aria-orientation": "vertical", "aria-label": "gradients, step by step", "aria-valuemin": -1, "aria-valuemax": 1 }, area);
    const bars = s("g", { style: "--hue: var(--soft)" });
    sheet.back.append(band, bars);
    const lines = s("g");
    sheet.back.append(lines);
    sheet.node.append(lane);
    const write = (from, to, value) => {
      const next = [...get("gradients")];
      for (let k = Math.min(from, to); k <= Math.max(from, to); k++) next[k] = value;
      set({ gradients: next, step: to + 1 });
    };
    paintable({ node: lane, svg: sheet.node, top: TOP, tall: LANE, least: -1, column, values: () => get("gradients"),
      at: () => get("step") - 1, go: (k) => set({ step: k + 1 }), write, guard });

    const scenes = choice({ label: "Begin with", options: Object.keys(SCENES).map((value) => ({ value, text: value })),
      get: () => Object.keys(SCENES).find((name) => SCENES[name].every((v, k) => v === get("gradients")[k])),
      set: (name) => set({ gradients: SCENES[name] }) });
    const sizes = slider({ label: "size of the gradients: a full bar is", log: true, min: 1e-5, max: 1, get: () => get("unit"), set: (unit) => set({ unit }) });
    const steps = slider({ label: "the step looked at", min: 1, max: STEPS, get: () => get("step"), set: (step) => set({ step }) });
    root.append(h("div", { class: "mlx-row" }, scenes.node), h("div", { class: "mlx-sliders" }, sizes.node, steps.node),
      h("div", { class: "mlx-two" },
        figure("Paint the gradients of one weight (above); below, what each optimizer adds to it.", sheet.node),
        figure("What each would add, were the gradient at this step another.", curve.node)));

    /** Names at the right end of lines, pushed apart. */
    function names(ends, x, low, high) {
      const heights = apart(ends.map(([, y]) => clamp(y + 4, low, high)), 15, low, high);
      return ends.map(([text], k) => named(x, heights[k], text, LOOK[text][0])).join("");
    }
    /** From the least to the most of all rows and zero, with a margin. */
    const range = (rows) => {
      const all = Object.values(rows).flat(), low = Math.min(0, ...all), high = Math.max(0, ...all), edge = 0.06 * (high - low) + 1e-12;
      return [low - edge, high + edge];
    };

    return {
      summary: () => summary(state(), net()),
      draw() {
        const now = state(), { rows, before } = updates(now, net());
        [width] = sheet.size();
        [scenes, sizes, steps].forEach((control) => control.draw());
        area.setAttribute("width", right() - LEFT);
        band.setAttribute("x", (middle(now.step - 1) - pitch() / 2).toFixed(1));
        band.setAttribute("width", pitch().toFixed(1));
        const up = scale(-1, 1, TOP + LANE, TOP), bar = Math.max(pitch() - 3, 3);
        bars.innerHTML = now.gradients.map((v, k) => `<rect class="mlx-amount" x="${(middle(k) - bar / 2).toFixed(1)}" y="${Math.min(up(v), up(0)).toFixed(1)}" width="${bar.toFixed(1)}" height="${Math.max(Math.abs(up(v) - up(0)), 1.5).toFixed(1)}"/>`).join("")
          + [-1, 0, 1].map((v) => `<text x="${LEFT - 6}" y="${up(v) + (v > 0 ? 11 : v < 0 ? -1 : 4)}" text-anchor="end">${v ? `${v < 0 ? "−" : ""}${sig(now.unit)}` : 0}</text>`).join("")
          + `<text x="${right() + 8}" y="${up(0) + 4}">gradient</text>`;
        lane.setAttribute("aria-valuenow", now.gradients[now.step - 1]);
        lane.setAttribute("aria-valuetext", `step ${now.step}: gradient ${sig(now.unit * now.gradients[now.step - 1])}`);

        const span = range(rows), y = scale(...span, bottom, bottom - TALL), tick = (v) => (v < 0 ? `−${sig(-v)}` : sig(v));
        lines.innerHTML = axes({ x: (k) => middle(k - 1), y, xs: width < 430 ? [1, 8, 16] : [1, 4, 8, 12, 16], ys: ticks(...span, 5), left: LEFT, right: right(), bottom, xLabel: "step", yText: tick })
          + `<text x="${LEFT + 4}" y="${bottom - TALL - 6}">added to the weight</text>`
          + OPTIMIZERS.toReversed().map((name) => stroke(rows[name].map((v, k) => [middle(k), y(v)]), LOOK[name][0], LOOK[name][1] + (name === "learned" ? ' style="stroke-width: 4; --hue: var(--lstm)"' : ""))).join("")
          + names(OPTIMIZERS.map((name) => [name, y(rows[name].at(-1))]), right() + 4, bottom - TALL + 10, bottom);

        const [wide, high] = curve.size(), answers = responses(now, net(), before, SHARES), most = range(answers);
        const edge = wide - 100, x = scale(-1, 1, 58, edge), v = scale(...most, high - 42, 26);
        curve.back.innerHTML = axes({ x, y: v, xs: [-1, 0, 1], ys: ticks(...most, 5), left: 58, right: edge, bottom: high - 42, xLabel: `the gradient at step ${now.step}`, xText: (a) => (a ? `${a < 0 ? "−" : ""}${sig(now.unit)}` : 0), yText: tick })
          + `<text x="62" y="16">added to the weight</text>`
          + `<path class="mlx-grid" d="M${x(0).toFixed(1)} 26V${high - 42}"/>`;
        const here = now.gradients[now.step - 1];
        curve.front.innerHTML = OPTIMIZERS.toReversed().map((name) => stroke(answers[name].map((a, k) => [x(SHARES[k]), v(a)]), LOOK[name][0], LOOK[name][1] + (name === "learned" ? ' style="stroke-width: 4; --hue: var(--lstm)"' : ""))).join("")
          + `<circle cx="${x(here).toFixed(1)}" cy="${v(rows.learned[now.step - 1]).toFixed(1)}" r="6" fill="var(--fg)" stroke="var(--bg)" stroke-width="2"/>`
          + names(OPTIMIZERS.map((name) => [name, v(answers[name].at(-1))]), edge + 4, 36, high - 42);
      },
    };
  });
}

export default { render };
