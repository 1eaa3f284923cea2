// LearnedStep: what a learned optimizer does with the gradients it has seen. The mathematics is that of __init__.py,
// operation by operation; a test compares the two.
import { along, apart, axes, choice, clamp, explorer, figure, floats, h, labels, layout, named, paintable, player, plot, s, scale, sig, slider, stroke, ticks } from "../base/base.js";

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

const LEFT = 58, RIGHT = 104;
// The picture's rows in pixels: as it opens, and where a panel is open under it. `rest`: between the two.
const TALL = { top: 10, lane: 92, rest: 38, lines: 236 }, LOW = { top: 8, lane: 64, rest: 34, lines: 122 };
const SHARES = Array.from({ length: 41 }, (_, k) => (k - 20) / 20);

function render(host) {
  return explorer(host, { title: "What a learned optimizer does with the gradients it has seen", watch: KEYS }, (view) => {
    const { get, set, guard, was } = view;
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    let loaded = null, w = null;
    const net = () => (get("weights") === loaded ? w : ((loaded = get("weights")), (w = unpack(floats(loaded)))));

    let part = TALL, width = 600, panels = null;
    const bottom = () => part.top + part.lane + part.rest + part.lines;
    const sheet = plot({ label: "Gradients and steps over time", ratio: (wide) => (bottom() + 42) / wide });
    const curve = plot({ label: "The step as a function of the gradient", ratio: (wide) => clamp((wide < 340 ? 270 : 184) / wide, 0.4, 1.2) });
    for (const { back, front } of [sheet, curve]) for (const layer of [back, front]) layer.setAttribute("aria-hidden", "true");
    const right = () => width - RIGHT, pitch = () => (right() - LEFT) / STEPS, middle = (k) => LEFT + (k + 0.5) * pitch();
    const column = (px) => clamp(Math.floor((px - LEFT) / pitch()), 0, STEPS - 1);
    const curveOf = (name, points) => {
      const drawn = stroke(points, ...LOOK[name]);
      return name === "learned" ? drawn.replace('style="', 'style="stroke-width: 4; ') : drawn;
    };
    const tick = (v) => (v < 0 ? `−${sig(-v)}` : sig(v));

    // The lane of gradients: drag across it, or move along it by arrow keys and up and down in it.
    const area = s("rect", { x: LEFT, rx: 3 }), band = s("rect", { class: "mlx-column" });
    const lane = s("g", { class: "mlx-lane", role: "slider", tabindex: 0, "aria-orientation": "vertical", "aria-label": "gradients, step by step", "aria-valuemin": -1, "aria-valuemax": 1 }, area);
    const bars = s("g", { style: "--hue: var(--soft)" }), lines = s("g");
    sheet.back.append(band, bars, lines);
    sheet.node.append(lane);
    const write = (from, to, value) => {
      const next = [...get("gradients")];
      for (let k = Math.min(from, to); k <= Math.max(from, to); k++) next[k] = value;
      set({ gradients: next, step: to + 1 });
    };
    paintable({ node: lane, svg: sheet.node, place: () => [part.top, part.lane], least: -1, column, values: () => get("gradients"),
      at: () => get("step") - 1, go: (k) => set({ step: k + 1 }), write, guard });

    const scenes = choice({ label: "Begin with", quiet: true, options: Object.keys(SCENES).map((value) => ({ value, text: value })),
      get: () => Object.keys(SCENES).find((name) => SCENES[name].every((v, k) => v === get("gradients")[k])),
      set: (name) => set({ gradients: SCENES[name] }) });
    const sizes = slider({ label: "a full bar is", hue: "soft", log: true, min: 1e-5, max: 1, get: () => get("unit"), set: (unit) => set({ unit }) });
    const play = player({ label: "Play", every: 500, guard, last: () => STEPS - 1, get: () => get("step") - 1, set: (k) => set({ step: k + 1 }) });
    const steps = slider({ label: "step", hue: "lstm", min: 1, max: STEPS, show: (x) => `${x} of ${STEPS}`, get: () => get("step"), set: (step) => set({ step }) });
    const OTHER = "Another gradient here";
    if (view.kept.panel === undefined) view.kept.panel = OTHER; // it is half of the story
    const legend = OPTIMIZERS.slice(1).map((name) => h("span", {}, s("svg", { width: 34, height: 10, "aria-hidden": "true" }), name));
    legend.forEach((each, k) => { each.firstChild.innerHTML = `<path class="mlx-sample" d="M0 6H32" ${LOOK[OPTIMIZERS[k + 1]][1]}/>`; });
    const caption = figure("What each would add, were the gradient at this step another.", h("p", { class: "mlx-legend" }, ...legend), curve.node);
    panels = layout(view, { picture: [sheet.node], controls: [scenes.node, sizes.node, h("div", { class: "mlx-row mlx-learned" }, play.node, steps.node)],
      panels: [{ name: OTHER, node: caption }] });

    /** Names at the right end of lines, pushed apart. */
    function names(ends, x, low, high) {
      const heights = apart(ends.map(([, y]) => clamp(y + 4, low, high)), 16, low, high);
      return ends.map(([text], k) => named(x, heights[k], text, LOOK[text][0])).join("");
    }
    /** From the least to the most of all rows and zero, with a margin. */
    const range = (rows) => {
      const all = Object.values(rows).flat(), low = Math.min(0, ...all), high = Math.max(0, ...all), edge = 0.06 * (high - low) + 1e-12;
      return [low - edge, high + edge];
    };
    /** What each would add at the real step `t`, from 0: between two steps, between their answers. */
    function answers(now, t) {
      const at = (k) => { const then = { ...now, step: k + 1 }; return responses(then, net(), updates(then, net()).before, SHARES); };
      const low = Math.floor(t), part = t - low, here = at(low);
      if (!part) return here;
      const next = at(low + 1);
      return Object.fromEntries(OPTIMIZERS.map((name) => [name, here[name].map((v, k) => v + part * (next[name][k] - v))]));
    }

    function gradients(now, ghosts) {
      const { top, lane: tall } = part, up = scale(-1, 1, top + tall, top), bar = Math.max(pitch() - 3, 3);
      const box = (v, k) => `x="${(middle(k) - bar / 2).toFixed(1)}" y="${Math.min(up(v), up(0)).toFixed(1)}" width="${bar.toFixed(1)}" height="${Math.max(Math.abs(up(v) - up(0)), 1.5).toFixed(1)}"`;
      for (const [what, v] of Object.entries({ y: top, height: tall, width: right() - LEFT })) area.setAttribute(what, v);
      bars.innerHTML = now.gradients.map((v, k) => `<rect class="mlx-amount" ${box(v, k)}/>`).join("")
        + (ghosts ? `<g class="mlx-ghost">${ghosts.gradients.map((v, k) => (v === now.gradients[k] ? "" : `<rect class="mlx-once" ${box(v, k)}/>`)).join("")}</g>` : "")
        + [-1, 0, 1].map((v) => `<text x="${LEFT - 6}" y="${up(v) + (v > 0 ? 11 : v < 0 ? -1 : 4)}" text-anchor="end">${v ? `${v < 0 ? "−" : ""}${sig(now.unit)}` : 0}</text>`).join("")
        + named(right() + 6, up(0) + 5, "gradient", "soft");
      lane.setAttribute("aria-valuenow", now.gradients[now.step - 1]);
      lane.setAttribute("aria-valuetext", `step ${now.step}: gradient ${sig(now.unit * now.gradients[now.step - 1])}`);
    }

    function added(rows, ghosts, t) {
      const low = bottom(), span = range(rows), y = scale(...span, low, low - part.lines);
      const points = (row) => row.map((v, k) => /** @type {[number, number]} */ ([middle(k), y(v)])), [px, py] = along(points(rows.learned), t);
      lines.innerHTML = axes({ x: (k) => middle(k - 1), y, xs: width < 430 ? [1, 8, 16] : [1, 4, 8, 12, 16], ys: ticks(...span, part.lines / 50), left: LEFT, right: right(), bottom: low, xLabel: "step", yText: tick })
        + `<text x="${LEFT + 4}" y="${low - part.lines - 8}">added to the weight</text>`
        + (ghosts ? `<g class="mlx-ghost">${curveOf("learned", points(updates(ghosts, net()).rows.learned.map((v) => clamp(v, ...span))))}</g>` : "")
        + OPTIMIZERS.toReversed().map((name) => curveOf(name, points(rows[name]))).join("")
        + `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="7" style="fill: var(--lstm); stroke: var(--card); stroke-width: 2"/>`
        + names(OPTIMIZERS.map((name) => [name, y(rows[name].at(-1))]), right() + 6, low - part.lines + 10, low + 2);
    }

    function other(now, t) {
      const [wide, high] = curve.size(), found = answers(now, t), most = range(found), edge = wide - 24, low = high - 42;
      const x = scale(-1, 1, LEFT, edge), y = scale(...most, low, 26), here = along(now.gradients.map((v) => [v]), t)[0];
      const points = Object.fromEntries(OPTIMIZERS.map((name) => [name, found[name].map((a, k) => /** @type {[number, number]} */ ([x(SHARES[k]), y(a)]))]));
      const at = along(points.learned, clamp((here + 1) * 20, 0, SHARES.length - 1));
      curve.back.innerHTML = axes({ x, y, xs: [-1, 0, 1], ys: ticks(...most, (low - 26) / 45), left: LEFT, right: edge, bottom: low, xLabel: `the gradient at step ${now.step}`, yText: tick,
        xText: (a) => (a ? `${a < 0 ? "−" : ""}${sig(now.unit)}` : 0) })
        + `<text x="8" y="16">added to the weight</text><path class="mlx-grid" d="M${x(0).toFixed(1)} 26V${low}"/>`;
      curve.front.innerHTML = OPTIMIZERS.toReversed().map((name) => curveOf(name, points[name])).join("")
        + `<circle cx="${at[0].toFixed(1)}" cy="${at[1].toFixed(1)}" r="7" style="fill: var(--lstm); stroke: var(--card); stroke-width: 2"/>`
        + labels([{ at: at, text: "learned", hue: "lstm" }], { width: wide, height: high, left: LEFT, bottom: 42, lines: Object.values(points), boxes: [[0, 0, wide, 20], [at[0] - 9, at[1] - 9, at[0] + 9, at[1] + 9]] });
    }

    return {
      summary: () => summary(state(), net()),
      draw() {
        const now = state(), { rows } = updates(now, net()), then = /** @type {any} */ (was()), t = play.at();
        const ghosts = then && ["gradients", "unit"].some((key) => then[key] !== now[key]) ? then : null;
        part = panels?.below() && width > 380 ? LOW : TALL;
        [width] = sheet.size();
        [scenes, sizes, steps, play].forEach((control) => control.draw());
        for (const [what, v] of Object.entries({ x: middle(t) - pitch() / 2, y: part.top, width: pitch(), height: bottom() - part.top })) band.setAttribute(what, v.toFixed(1));
        gradients(now, ghosts);
        added(rows, ghosts, t);
        if (panels?.open() === OTHER) other(now, t);
      },
    };
  });
}

export default { render };
