// LstmGates: a short sequence through one LSTM cell; shape its gates and see what it carries.
// The mathematics is that of __init__.py, operation by operation; a test compares the two.
import { along, apart, axes, choice, clamp, equation, explorer, h, layout, long, math, named, paintable, player, plot, s, scale, sig, slider, stroke } from "../base/base.js";

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
  if (task) text += ` The marked value was ${sig(state.values[2])}; with it or its opposite c ends up to ${sig(task.error)} away. ${"★".repeat(task.stars)}`;
  return text.trimEnd();
}

/** A number as a formula shows it. @param {number} v */
const number = (v) => sig(v, 3).replace("-", "−");

/** A factor: what is below zero stands in brackets. @param {number} v */
const factor = (v) => (v < 0 ? `(${number(v)})` : number(v));

/** A sum as one writes it: a minus where a term is below zero, nothing where it is zero.
 * @param {[number, string][]} terms  each a number and the letters after it @returns {string} */
export function sum(terms) {
  const kept = terms.filter(([v]) => v !== 0);
  return kept.map(([v, letters], k) => `${v < 0 ? (k ? " − " : "−") : k ? " + " : ""}${sig(Math.abs(v), 3)}${letters && ` ${letters}`}`).join("") || "0";
}

const LANES = [
  { key: "values", name: "value", letter: "x", low: -1, hue: "fg" },
  { key: "forget", name: "forget", letter: "f", low: 0, hue: "forget" },
  { key: "input", name: "input", letter: "i", low: 0, hue: "input" },
  { key: "output", name: "output", letter: "o", low: 0, hue: "soft" },
];
const GATES = [["f", 4, "σ", "forget"], ["i", 0, "σ", "input"], ["o", 12, "σ", "soft"], ["g", 8, "tanh", "candidate"]];
const RIGHT = 48;
// The picture's rows in pixels: as it opens, and where a panel is open under it. `rest`: between the two plots.
const TALL = { top: 24, lane: 35, gap: 7, carried: 104, rest: 28, low: 64 }, LOW = { top: 20, lane: 24, gap: 5, carried: 54, rest: 26, low: 36 };

function render(host) {
  return explorer(host, { title: "One LSTM cell: what it carries, what it forgets", watch: KEYS }, (view) => {
    const { get, set, guard, was } = view;
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    let part = TALL, width = 600, panels = null;
    const carried = () => part.top + LANES.length * (part.lane + part.gap), left = () => carried() + part.carried + part.rest;
    const narrow = () => width < 430, edge0 = () => (narrow() ? 36 : 92);
    const sheet = plot({ label: "Gates and memory over time", ratio: (wide) => (left() + part.low + 40) / wide });
    for (const layer of [sheet.back, sheet.front]) layer.setAttribute("aria-hidden", "true");
    const pitch = () => (width - edge0() - RIGHT) / STEPS, middle = (k) => edge0() + (k + 0.5) * pitch();
    /** Bars from zero, one a step, as the `d` of one path. */
    const boxes = (values, w, up) => values.map((v, k) => (v ? `M${(middle(k) - w / 2).toFixed(1)} ${up(0).toFixed(1)}h${w.toFixed(1)}V${up(v).toFixed(1)}h${(-w).toFixed(1)}z` : "")).join("");
    const column = (px) => clamp(Math.floor((px - edge0()) / pitch()), 0, STEPS - 1);
    const given = (rows, key, letter) => rows[key === "values" ? "x" : letter];

    // One step in two formulas, letters over numbers; what the hand is at lights up in both.
    const two = (label, terms) => equation({ label, rows: ["text", "number"].map((kind) => ({ terms: terms.map((term) =>
      (typeof term === "string" ? term : { ...term, id: kind === "number" ? `${term.id} now` : term.id, text: kind === "number" ? (term.sign ?? "0") : term.text })) })) });
    const formulas = [
      two("The memory", [{ id: "c", hue: "cell", text: "c_t" }, "=", { id: "f", hue: "forget", text: "f_t" }, "·", { id: "before", hue: "cell", text: "c_{t−1}" },
        { id: "plus", text: "+", sign: "+" }, { id: "i", hue: "input", text: "i_t" }, "·", { id: "g", hue: "candidate", text: "g_t" }]),
      two("What it says", [{ id: "h", hue: "fg", text: "h_t" }, "=", { id: "o", hue: "soft", text: "o_t" }, "·", { id: "tanh", hue: "cell", text: "tanh c_t" }]),
    ];
    const light = (...ids) => formulas.forEach((formula) => formula.light(ids.flatMap((id) => [id, `${id} now`])));
    const lights = (node, letter) => {
      for (const name of ["pointerenter", "focusin"]) node.addEventListener(name, () => light(letter === "x" ? (get("computed") ? "" : "g") : letter));
      for (const name of ["pointerleave", "focusout"]) node.addEventListener(name, () => light());
      return node;
    };

    /** A row to paint on: drag across it, or move along it by arrow keys and up and down in it. */
    function lane({ key, name, letter, low: least, hue }, index) {
      const area = s("rect", { rx: 3 }), bars = s("g", { style: `--hue: var(--${hue})` });
      const place = () => /** @type {[number, number]} */ ([part.top + index * (part.lane + part.gap), part.lane]);
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
      paintable({ node: lights(node, letter), svg: sheet.node, place, least, column, values: () => get(key), at: () => get("step") - 1,
        go: (k) => set({ step: k + 1 }), write, guard });
      sheet.back.append(bars);
      sheet.node.append(node);
      return (now, rows, ghosts) => {
        const [y, tall] = place(), up = scale(least, 1, y + tall, y), w = Math.max(pitch() - 2, 3), values = given(rows, key, letter);
        const then = ghosts && given(ghosts, key, letter);
        for (const [what, v] of Object.entries({ x: edge0(), y, height: tall, width: width - edge0() - RIGHT })) area.setAttribute(what, v.toFixed(1));
        bars.innerHTML = `<path class="mlx-amount${told() ? " mlx-told" : ""}" d="${boxes(values, w, up)}"/>`
          + (then && !same(then, values) ? `<path class="mlx-ghost mlx-once" d="${boxes(then, w, up)}"/>` : "")
          + named(edge0() - 22, y + tall / 2 + 5, narrow() ? letter : `${name} ${letter}`, hue, "end")
          + `<text x="${edge0() - 6}" y="${y + 11}" text-anchor="end">1</text>` + (tall < 30 ? "" : `<text x="${edge0() - 6}" y="${y + tall}" text-anchor="end">${least === 0 ? 0 : "−1"}</text>`)
          + (least < 0 ? `<path class="mlx-grid" d="M${edge0()} ${up(0)}H${width - RIGHT}"/>` : "");
        const v = values[now.step - 1];
        for (const [what, text] of Object.entries({ label: label(), valuenow: sig(v, 3), valuetext: `step ${now.step}: ${sig(v, 3)}`, disabled: told() }))
          node.setAttribute(`aria-${what}`, text);
      };
    }
    const lanes = LANES.map(lane), band = s("rect", { class: "mlx-column" });
    sheet.node.insertBefore(band, sheet.back);

    function marks({ marks: given }) {
      const words = width > 560;
      return given.map((m, k) => (m === 0 ? "" : `<text x="${middle(k).toFixed(1)}" y="17" text-anchor="${m < 0 && words ? "end" : "middle"}">${m > 0 ? `▼${words ? " write" : ""}` : `${words ? "read " : ""}▲`}</text>`)).join("");
    }

    const negative = (v) => (v < 0 ? `−${-v}` : v);
    const frame = (up, bottom, ys, xs, xLabel) => axes({ x: (k) => middle(k - 1), y: up, xs, ys, left: edge0(), right: width - RIGHT, bottom, xLabel, yText: negative });

    /** c, h and the RNN's h over the steps; while it plays, what is still to come stands back. */
    function curves(rows, ghosts, t, playing) {
      const every = [...rows.c, ...rows.h, ...rows.rnn], least = Math.floor(Math.min(0, ...every) + 1e-9), most = Math.ceil(Math.max(1, ...every) - 1e-9);
      const bottom = carried() + part.carried, up = scale(least, most, bottom, carried() + 8), edge = width - RIGHT;
      const points = (values) => values.map((v, k) => /** @type {[number, number]} */ ([middle(k), up(v)]));
      const names = [["c", rows.c, "cell"], ["h", rows.h, "fg"], ["RNN", rows.rnn, "baseline"]];
      const heights = apart(names.map(([, values]) => up(values.at(-1)) + 5), 16, carried() + 10, bottom + 6);
      const dot = (values, hue, r) => { const [x, y] = along(points(values), t); return `<circle class="mlx-dot" style="--hue: var(--${hue})" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}"/>`; };
      return frame(up, bottom, [0, most, ...(up(least) - up(0) > 15 ? [least] : [])], [], "")
        + `<text x="${edge0() - 22}" y="${bottom - part.carried / 2 + 8}" text-anchor="end">${narrow() ? "" : "carried"}</text>`
        + (ghosts && !same(ghosts.c, rows.c) ? `<g class="mlx-ghost">${stroke(points(ghosts.c.map((v) => clamp(v, least, most))), "cell")}</g>` : "")
        + stroke(points(rows.rnn), "baseline", 'stroke-dasharray="7 5"')
        + stroke(points(rows.h), "fg", 'stroke-dasharray="1.5 5" stroke-linecap="round"')
        + stroke(points(rows.c), "cell").replace('style="', 'style="stroke-width: 4; ')
        + (playing ? `<rect class="mlx-veil" x="${middle(t).toFixed(1)}" y="${carried()}" width="${Math.max(edge - middle(t), 0).toFixed(1)}" height="${part.carried + 4}"/>` : "")
        + dot(rows.rnn, "baseline", 4) + dot(rows.h, "fg", 4) + dot(rows.c, "cell", 6)
        + names.map(([text, , hue], k) => named(edge + 5, heights[k], text, hue)).join("");
    }

    /** What is left of each step at the end, and of a nudge to c. */
    function remains(rows) {
      const top = left(), bottom = top + part.low, up = scale(-1, 1, bottom, top), w = Math.max(pitch() - 2, 3);
      const clip = (v) => up(clamp(v, -1, 1.05)), points = (values) => values.map((v, k) => /** @type {[number, number]} */ ([middle(k), clip(v)]));
      const legend = [["each step's part of the last c", "left of a nudge to c", "in the RNN"], ["each step's part of c", "left of a nudge", "RNN"], ["parts of c", "left of a nudge", "RNN"]];
      const words = legend.find((some) => some.reduce((total, text) => total + long(text) + 14, 0) < width - edge0() - 20) ?? legend[2];
      let x = edge0();
      const names = words.map((text, k) => { const at = x; x += long(text) + 14; return named(at, top - 9, text, ["cell", "forget", "baseline"][k]); });
      return frame(up, bottom, [-1, 0, 1], [1, 6, 12, 18, 24], "step")
        + `<path class="mlx-amount" style="--hue: var(--cell)" opacity="0.5" d="${boxes(rows.part, w, clip)}"/>`
        + stroke(points(rows.rnn_left), "baseline", 'stroke-dasharray="7 5"') + stroke(points(rows.left), "forget") + names.join("");
    }

    // The controls.
    const all = (key, letter, hue) => {
      const control = slider({ label: `${key} gate ${letter}, all steps`, hue, min: 0, max: 1, step: 0.01,
        get: () => get(key)[get("step") - 1], set: (x) => set({ [key]: row({}, x) }),
        show: (x) => (get(key).every((v) => v === x) ? sig(x, 3) : `${sig(x, 2)} …`) });
      lights(control.node, letter);
      return control;
    };
    const weight = (place, letter, what, hue, far) => {
      const control = slider({ label: `${letter}: ${what}`, hue, min: -far, max: far, step: 0.1, show: number,
        get: () => get("weights")[place], set: (x) => set({ weights: get("weights").with(place, x) }) });
      lights(control.node, letter);
      return control;
    };
    const scenes = choice({ label: "Begin with", quiet: true, options: Object.keys(SCENES).map((value) => ({ value, text: value })),
      get: () => Object.keys(SCENES).find((name) => Object.entries(SCENES[name]).every(([key, v]) => (Array.isArray(v) ? same(v, get(key)) : v === get(key)))),
      set: (name) => set(SCENES[name]) });
    const mode = choice({ label: "The gates are", quiet: true, options: [{ value: "hand", text: "drawn by you" }, { value: "cell", text: "computed by the cell" }],
      get: () => (get("computed") ? "cell" : "hand"), set: (value) => set({ computed: value === "cell" }) });
    const byHand = [all("forget", "f", "forget"), all("input", "i", "input"), all("output", "o", "soft")];
    const byCell = [weight(7, "f", "bias b", "forget", 8), weight(5, "f", "v of m", "forget", 16), weight(3, "i", "bias b", "input", 8), weight(1, "i", "v of m", "input", 16),
      weight(15, "o", "bias b", "soft", 8), weight(13, "o", "v of m", "soft", 16), weight(8, "g", "w of x", "candidate", 4)];
    const rnn = slider({ label: "the RNN's weight u", hue: "baseline", min: 0, max: 3, step: 0.05, get: () => get("recurrent"), set: (x) => set({ recurrent: x }) });
    const [hand, cell] = [byHand, byCell].map((group) => h("div", { class: group === byCell ? "mlx-pairs" : "mlx-gate-sliders" }, ...group.map(({ node }) => node)));
    const play = player({ label: "Play", every: 420, guard, last: () => STEPS - 1, get: () => get("step") - 1, set: (k) => set({ step: k + 1 }) });
    const scrub = slider({ label: "step", hue: "cell", min: 1, max: STEPS, show: (x) => `${x} of ${STEPS}`, get: () => get("step"), set: (step) => set({ step }) });
    const computing = h("div", { class: "mlx-computing" }), other = h("div"), verdict = h("p");
    panels = layout(view, {
      head: [h("div", { class: "mlx-gates-now" }, ...formulas.map(({ node }) => node))], picture: [sheet.node],
      controls: [scenes.node, mode.node, hand, cell, h("div", { class: "mlx-row" }, play.node, scrub.node)],
      panels: [
        { name: "RNN", node: h("div", {}, h("p", {}, "Beside it, dashed, a plain RNN reads the same values:"), other, rnn.node) },
        { name: "Its weights", node: computing },
        { name: "Your task", node: h("div", { class: "mlx-task" }, h("strong", {}, "Your task. "),
          "Among the distractors: the value under ▼ must still be the memory c at the last step, whatever comes between. For the third star h stays silent until ▲.", verdict) },
      ] });

    /** One step, letters and numbers. */
    function words(now, rows) {
      const k = now.step - 1, before = k ? rows.c[k - 1] : 0, g = rows.g[k];
      const shown = { c: number(rows.c[k]), f: number(rows.f[k]), before: factor(before), plus: g < 0 ? "−" : "+", i: number(rows.i[k]),
        g: number(Math.abs(g)), h: number(rows.h[k]), o: number(rows.o[k]), tanh: factor(Math.tanh(rows.c[k])) };
      for (const [id, text] of Object.entries(shown)) for (const formula of formulas) formula.write(`${id} now`, text);
    }

    /** How the cell computes its gates at this step. */
    function inside(now, rows) {
      const k = now.step - 1, w = now.weights, before = k ? rows.h[k - 1] : 0;
      const lines = GATES.map(([name, j, outer, hue]) => {
        const z = w[j] * now.values[k] + w[j + 1] * now.marks[k] + w[j + 2] * before + w[j + 3];
        return h("p", { class: "mlx-hued", style: `--hue: var(--${hue})` },
          math(`${name} = ${outer}(${sum([[w[j], "x"], [w[j + 1], "m"], [w[j + 2], "h"], [w[j + 3], ""]])})`), " ", math(`= ${outer}(${number(z)}) = ${number(rows[name][k])}`));
      });
      computing.replaceChildren(h("p", {}, now.computed ? `Step ${now.step}: x = ${number(now.values[k])}, m = ${number(now.marks[k])} (▼ 1, ▲ −1), h before ${number(before)}.`
        : "You draw the gates now. Let the cell compute them, each from the value x, the mark m and its last h:"),
      ...(now.computed ? lines : [h("p", {}, math("f = σ(w x + v m + u h + b)"))]));
    }

    return {
      summary: () => summary(state()),
      draw() {
        const now = state(), rows = { x: now.values, ...trace(now) }, then = was(), t = play.at();
        const ghosts = then && KEYS.some((key) => then[key] !== now[key]) ? { x: then.values, ...trace(/** @type {any} */ (then)) } : null;
        part = panels?.below() && width > 380 ? LOW : TALL;
        [width] = sheet.size();
        for (const draw of lanes) draw(now, rows, ghosts);
        for (const [key, v] of Object.entries({ x: middle(t) - pitch() / 2, y: part.top, width: pitch(), height: left() + part.low - part.top }))
          band.setAttribute(key, v.toFixed(1));
        sheet.front.innerHTML = marks(now) + curves(rows, ghosts, t, play.playing()) + remains(rows);
        hand.hidden = now.computed;
        cell.hidden = !now.computed;
        for (const control of [scenes, mode, play, scrub, rnn, ...(now.computed ? byCell : byHand)]) control.draw();
        words(now, rows);
        if (play.playing()) light(...[["f", "before"], ["i", "g", "plus"], ["c"]][Math.min(Math.floor(3 * (t % 1)), 2)]);
        if (panels.open() === "Its weights") inside(now, rows);
        const task = panels.open() === "Your task" && judged(now);
        if (task !== false) verdict.textContent = !task ? "Begin with the distractors to play."
          : `c ends ${sig(task.error)} away from the value or its opposite, the worse of the two. ${"★".repeat(task.stars)}${"☆".repeat(3 - task.stars)}`;
        if (panels.open() !== "RNN") return;
        const k = now.step - 1;
        other.replaceChildren(math("h_t = tanh(x_t + u · h_{t−1})"), h("br"),
          math(`${number(rows.rnn[k])} = tanh(${number(now.values[k])} ${k && rows.rnn[k - 1] < 0 ? "−" : "+"} ${number(now.recurrent)} · ${number(Math.abs(k ? rows.rnn[k - 1] : 0))})`));
      },
    };
  });
}

export default { render };
