// AdaptationLab: networks with different starts adapt to the same few points of a sinusoid. The mathematics is
// __init__.py's in float64; a test compares the two.
import { along, apart, axes, button, choice, clamp, dots, explorer, figure, floats, h, layout, line, long, mulberry32, named, player, plot, pointer, s, scale, sig, slider, ticks } from "../base/base.js";

const LAST = 20, MOST = 20, BEYOND = 3, JUDGED = 50, DRAWN = 81, FAR = 1e3, HARD = 8, LOW = 0.3, STARS = [10, 5, 2];
const WATCH = ["amplitude", "phase", "points", "seed", "rate", "steps", "shown"];
const KEYS = [...WATCH, "names", "hues", "trained", "family", "sizes", "activation"];
const DASH = { maml: "", fomaml: "9 4 2 4", reptile: "1 6", baseline: "7 5" };

/** @typedef {{amplitude: [number, number], phase: [number, number], x: [number, number], sign: number}} Family */
/** @typedef {{amplitude: number, phase: number, points: number[], seed: number, rate: number, steps: number, shown: string[],
 *             names: string[], hues: string[], trained: (number|null)[], family: Family, sizes: number[], activation: string}} State */

// ---- Networks: one Float64Array each, layer by layer the weights [inputs, outputs], then the biases ----

/** Numbers that stand as [out, in] become [in, out], so that the inner loops run along the memory.
 * @param {ArrayLike<number>} numbers @param {number[]} sizes @returns {Float64Array[]} */
export function networks(numbers, sizes) {
  const count = sizes.slice(1).reduce((sum, out, l) => sum + out * (sizes[l] + 1), 0);
  return Array.from({ length: numbers.length / count }, (_, k) => {
    const theta = new Float64Array(count);
    let at = 0;
    for (let l = 0; l + 1 < sizes.length; l++) {
      const inputs = sizes[l], outputs = sizes[l + 1], from = k * count + at;
      for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) theta[at + i * outputs + o] = numbers[from + o * inputs + i];
      for (let o = 0; o < outputs; o++) theta[at + inputs * outputs + o] = numbers[from + inputs * outputs + o];
      at += outputs * (inputs + 1);
    }
    return theta;
  });
}

const live = new Int32Array(1 << 12); // which units of a layer are on
const layers = (sizes) => sizes.map((size) => new Float64Array(size));

/** From what layer `first` gives to the output; what each layer gives is left in `a`. */
function forward(theta, sizes, tanh, a, first = 0) {
  let at = 0;
  for (let l = 1; l <= first; l++) at += sizes[l] * (sizes[l - 1] + 1);
  for (let l = first + 1; l < sizes.length; l++) {
    const from = a[l - 1], to = a[l], outputs = sizes[l], bias = at + sizes[l - 1] * outputs;
    for (let o = 0; o < outputs; o++) to[o] = theta[bias + o];
    if (l + 1 === sizes.length) {
      for (let i = 0; i < from.length; i++) to[0] += from[i] * theta[at + i]; // one output
      continue;
    }
    let on = 0;
    for (let i = 0; i < from.length; i++) if (from[i] !== 0) live[on++] = i; // half of the units are off
    for (let n = 0; n + 1 < on; n += 2) { // two at a time: half the way to memory and back
      const u = from[live[n]], v = from[live[n + 1]], row = at + live[n] * outputs, other = at + live[n + 1] * outputs;
      for (let o = 0; o < outputs; o++) to[o] += u * theta[row + o] + v * theta[other + o];
    }
    if (on % 2) for (let o = 0, u = from[live[on - 1]], row = at + live[on - 1] * outputs; o < outputs; o++) to[o] += u * theta[row + o];
    activate(to, tanh);
    at = bias + outputs;
  }
  return a[sizes.length - 1][0];
}

function activate(z, tanh) {
  for (let o = 0; o < z.length; o++) z[o] = tanh ? Math.tanh(z[o]) : Math.max(z[o], 0);
}

/** The outputs at ascending `xs`. Between two kinks of its first layer a ReLU network's second sums are straight lines in
 * x: their slopes and heights are kept, and change at a kink. That takes a tenth of the time. */
function sweep(theta, sizes, tanh, xs, a) {
  const found = new Float64Array(xs.length);
  if (tanh || sizes.length < 3) {
    for (let k = 0; k < xs.length; k++) {
      a[0][0] = xs[k];
      found[k] = forward(theta, sizes, tanh, a);
    }
    return found;
  }
  const [, units, outputs] = sizes, at = 2 * units, slope = new Float64Array(outputs), height = theta.slice(at + units * outputs, at + (units + 1) * outputs);
  const flip = (i, sign) => {
    const w = sign * theta[i], b = sign * theta[units + i], row = at + i * outputs;
    for (let o = 0; o < outputs; o++) {
      slope[o] += w * theta[row + o];
      height[o] += b * theta[row + o];
    }
  };
  const kinks = new Float64Array(units), order = [];
  for (let i = 0; i < units; i++) {
    if (theta[i] * xs[0] + theta[units + i] > 0) flip(i, 1);
    kinks[i] = -theta[units + i] / theta[i];
    if (kinks[i] >= xs[0] && kinks[i] < xs[xs.length - 1]) order.push(i);
  }
  order.sort((one, other) => kinks[one] - kinks[other]);
  const last = theta.length - 1 - outputs; // of two hidden layers
  for (let k = 0, passed = 0; k < xs.length; k++) {
    for (; passed < order.length && kinks[order[passed]] < xs[k]; passed++) flip(order[passed], Math.sign(theta[order[passed]]));
    if (sizes.length === 4) {
      let sum = theta[theta.length - 1];
      for (let o = 0; o < outputs; o++) sum += Math.max(slope[o] * xs[k] + height[o], 0) * theta[last + o];
      found[k] = sum;
      continue;
    }
    for (let o = 0; o < outputs; o++) a[2][o] = slope[o] * xs[k] + height[o];
    if (sizes.length > 3) activate(a[2], false);
    found[k] = forward(theta, sizes, false, a, 2);
  }
  return found;
}

/** The gradient of the mean squared error on the points, into `g`. */
function gradient(theta, sizes, tanh, xs, ys, g, a, d) {
  g.fill(0);
  for (let k = 0; k < xs.length; k++) {
    a[0][0] = xs[k];
    d[sizes.length - 1][0] = (2 * (forward(theta, sizes, tanh, a) - ys[k])) / xs.length;
    let bias = theta.length;
    for (let l = sizes.length - 1; l > 0; l--) {
      const outputs = sizes[l], from = a[l - 1], delta = d[l], before = d[l - 1];
      bias -= outputs;
      const at = bias - sizes[l - 1] * outputs;
      let on = 0;
      for (let o = 0; o < outputs; o++) if (delta[o] !== 0) {
        live[on++] = o;
        g[bias + o] += delta[o];
      }
      for (let i = 0; i < sizes[l - 1]; i++) {
        const value = from[i], row = at + i * outputs;
        before[i] = 0;
        if (value === 0 && !tanh) continue;
        let sum = 0;
        for (let n = 0; n < on; n++) {
          const o = live[n];
          g[row + o] += value * delta[o];
          sum += theta[row + o] * delta[o];
        }
        before[i] = tanh ? sum * (1 - value * value) : sum;
      }
      bias = at;
    }
  }
}

const wave = (state) => (x) => state.amplitude * Math.sin(x + state.family.sign * state.phase);

/** Gradient descent from `theta` on the task's points: one long array, `steps + 1` times all parameters.
 * @param {State} state @param {Float64Array} theta @param {number} steps @returns {Float64Array} */
export function descend(state, theta, steps) {
  const { sizes, points, rate } = state, count = theta.length, ys = points.map(wave(state)), tanh = state.activation === "tanh";
  const path = new Float64Array((steps + 1) * count), g = new Float64Array(count), a = layers(sizes), d = layers(sizes);
  path.set(theta);
  for (let k = 0; k < steps; k++) {
    const now = path.subarray(k * count, (k + 1) * count), next = path.subarray((k + 1) * count, (k + 2) * count);
    gradient(now, sizes, tanh, points, ys, g, a, d);
    for (let p = 0; p < count; p++) next[p] = now[p] - rate * g[p];
  }
  return path;
}

/** A network's outputs at ascending `xs`. @param {State} state @param {Float64Array} theta @param {ArrayLike<number>} xs */
export const outputs = (state, theta, xs) => sweep(theta, state.sizes, state.activation === "tanh", xs, layers(state.sizes));

/** Errors on the truth over the x of training before and after each step; infinite once one is too large.
 * @param {State} state @param {Float64Array} path @param {number} count @returns {number[]} */
export function errors(state, path, count) {
  const [low, high] = state.family.x, found = [];
  const xs = Array.from({ length: JUDGED }, (_, k) => low + ((high - low) * (k + 0.5)) / JUDGED), ys = xs.map(wave(state));
  for (let at = 0; at < path.length; at += count) {
    let sum = 0;
    outputs(state, path.subarray(at, at + count), xs).forEach((y, k) => { sum += (y - ys[k]) ** 2; });
    found.push(found.at(-1) !== Infinity && sum / JUDGED <= FAR ? sum / JUDGED : Infinity);
  }
  return found;
}

/** Every start's parameters and errors along its way. @param {State} state @param {Float64Array[]} starts */
export function learn(state, starts) {
  const paths = starts.map((theta) => descend(state, theta, LAST));
  return { paths, mse: paths.map((path, k) => errors(state, path, starts[k].length)) };
}

// ---- Points ----

/** @param {number} shots @param {number} seed @param {number} low @param {number} high @returns {number[]} */
export function drawPoints(shots, seed, low, high) {
  const next = mulberry32(seed);
  return Array.from({ length: shots }, () => Math.floor(100 * (low + (high - low) * next()) + 0.5) / 100);
}

/** How far a trait may go. @param {Family} family @param {string} name @returns {[number, number]} */
function reach(family, name) {
  const [low, high] = family[name];
  return name === "amplitude" ? [low, 1.6 * high] : name === "phase" ? [Math.min(low, 0), Math.max(high, 2 * Math.PI)] : [low - BEYOND, high + BEYOND];
}

const within = (x, [low, high]) => low <= x && x <= high;

/** What leaves the training range. @param {State} state @returns {string[]} */
export const outside = (state) => [
  ...["amplitude", "phase"].filter((name) => !within(state[name], state.family[name])),
  ...(state.points.every((x) => within(x, state.family.x)) ? [] : ["points"]),
];

/** 0 to 3 stars for the task: a hard sinusoid of the training range, MAML, one step, few points.
 * @param {State} state @param {number[][]} mse @returns {number} */
export function stars(state, mse) {
  const [before, after] = mse[state.hues.indexOf("maml")] ?? [0, 0];
  return before > HARD && after < LOW && !outside(state).length ? STARS.filter((most) => state.points.length <= most).length : 0;
}

// ---- What is said ----

const formula = ({ amplitude, phase, family }) => `${sig(amplitude, 3)} sin(x ${family.sign < 0 ? "−" : "+"} ${sig(phase, 3)})`;
const many = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

/** @param {State} state @param {number[][]} mse @returns {string} */
export function summary(state, mse) {
  const ends = mse.map((errors, k) => {
    const blown = errors.indexOf(Infinity);
    return `${state.names[k]} ${sig(errors[0])} to ${blown >= 0 && blown <= state.steps ? `no number (blows up at step ${blown})` : sig(errors[state.steps])}`;
  });
  const gone = outside(state), earned = stars(state, mse);
  return `${formula(state)}, ${many(state.points.length, "point")}, rate ${sig(state.rate, 3)}, ${many(state.steps, "step")}. MSE before and after: ${ends.join(", ")}.`
    + (gone.length ? ` Outside the training range: ${gone.join(", ")}.` : "")
    + (earned ? ` One step, ${many(state.points.length, "point")}: ${"★".repeat(earned)}` : "");
}

// ---- The picture ----

function render(host) {
  return explorer(host, { title: "Same points, same steps, different starts", watch: WATCH }, (view) => {
    const { get, set, guard, was } = view;
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    const { names, hues, trained, family, sizes } = state();
    const starts = networks(floats(get("weights")), sizes), size = starts[0].length;
    const edge = reach(family, "x"), xs = Array.from({ length: DRAWN }, (_, k) => edge[0] + ((edge[1] - edge[0]) * k) / (DRAWN - 1));
    const dash = (k) => (/^random/i.test(names[k]) ? "2 6" : DASH[hues[k]] ?? ""), margin = 14 + Math.max(...names.concat("truth").map(long));
    const task = (now) => JSON.stringify([now.amplitude, now.phase, now.points, now.rate]);
    let known = "", learned = learn(state(), starts), at = 0, half = "all";

    const main = plot({ label: "The task, its support points, and what every network makes of them", ratio: (width) => Math.min(width > 380 ? 0.64 : 0.82, 440 / width) });
    const curve = plot({ label: "Error after each step", ratio: (width) => clamp(230 / width, 0.5, 0.95) });
    main.node.classList.add("mlx-lab-main");
    let across = scale(0, 1, 0, 1);

    // Points: one group of handles, of which one at a time can be reached by Tab.
    const put = (points) => set({ points });
    const round = (x) => Number(clamp(x, ...edge).toFixed(2));
    const select = (k, focus = true) => {
      at = clamp(k, 0, get("points").length - 1);
      pins.forEach((pin, n) => pin.setAttribute("tabindex", n === at ? 0 : -1));
      less.textContent = `Remove point ${at + 1}`;
      if (focus) pins[at].focus();
    };
    const move = (k, x) => put(get("points").map((old, n) => (n === k ? round(x) : old)));
    const add = (x, focus) => {
      if (get("points").length === MOST) return;
      put([...get("points"), round(x)]);
      select(get("points").length - 1, false);
      if (focus) later = () => pins[at].focus(); // it is hidden until it is drawn
    };
    const remove = (k, focus) => {
      if (get("points").length === 1) return;
      put(get("points").filter((_, n) => n !== k));
      select(k, focus);
    };
    let later = () => {};
    const pins = Array.from({ length: MOST }, (_, k) => s("g", { class: "mlx-handle mlx-point", role: "slider", tabindex: k ? -1 : 0, "aria-label": `Support point ${k + 1}`, "aria-valuemin": edge[0], "aria-valuemax": edge[1] },
      s("circle", { r: 14, class: "mlx-touch" }), s("circle", { r: 11, class: "mlx-halo" }), s("circle", { r: 6, class: "mlx-grip" })));
    const pinned = s("g", { role: "group", "aria-label": "Support points" }, ...pins);
    main.node.append(pinned);
    const place = (event) => across.back(pointer(main.node, event)[0]);
    const listen = (node, name, f) => node.addEventListener(name, guard(f));
    listen(main.node, "click", (event) => { if (!pinned.contains(event.target) && event.detail < 2) add(place(event), true); });
    pins.forEach((pin, k) => {
      listen(pin, "pointerdown", (event) => { pin.setPointerCapture(event.pointerId); select(k); event.preventDefault(); });
      listen(pin, "pointermove", (event) => { if (pin.hasPointerCapture(event.pointerId)) move(k, place(event)); });
      listen(pin, "dblclick", () => remove(k, true));
      listen(pin, "focus", () => select(k, false));
      listen(pin, "keydown", (event) => {
        const x = get("points")[k], far = event.shiftKey ? 1 : 0.1, all = get("points").length;
        const act = { ArrowLeft: () => move(k, x - far), ArrowDown: () => move(k, x - far), ArrowRight: () => move(k, x + far), ArrowUp: () => move(k, x + far),
          Home: () => move(k, edge[0]), End: () => move(k, edge[1]), PageUp: () => select((k + all - 1) % all), PageDown: () => select((k + 1) % all),
          Enter: () => add(gap(), true), Delete: () => remove(k, true), Backspace: () => remove(k, true) }[event.key];
        if (!act) return;
        event.preventDefault();
        act();
      });
    });
    /** The middle of the widest gap within the x of training. */
    function gap() {
      const sorted = [family.x[0], ...get("points").filter((x) => within(x, family.x)), family.x[1]].sort((a, b) => a - b);
      const widest = sorted.slice(1).reduce((best, x, k) => (x - sorted[k] > sorted[best + 1] - sorted[best] ? k : best), 0);
      return (sorted[widest] + sorted[widest + 1]) / 2;
    }
    const range = () => ({ all: family.x, left: [family.x[0], (family.x[0] + family.x[1]) / 2], right: [(family.x[0] + family.x[1]) / 2, family.x[1]] })[half];
    const draw = (shots, seed) => set({ seed, points: drawPoints(shots, seed, ...range()) });
    const shots = choice({ label: "Shots", options: [5, 10, 20].map((value) => ({ value, text: String(value) })), get: () => get("points").length, set: (value) => draw(Number(value), get("seed")) });
    const side = choice({ label: "drawn from", options: [{ value: "all", text: "all x" }, { value: "left", text: "left half" }, { value: "right", text: "right half" }],
      get: () => half, set: (value) => { half = value; draw(get("points").length, get("seed")); } });
    const again = button("", () => draw(get("points").length, (get("seed") + 1) % 10000));
    const more = button("Add a point", () => add(gap(), false)), less = button("", () => remove(at, false));

    // The starts: who stands in the picture, and what each one's error was and is.
    const rows = names.map((name, k) => {
      const box = h("input", { type: "checkbox", onchange: () => set({ shown: names.filter((other, n) => (n === k ? box.checked : get("shown").includes(other))) }) }), fell = h("span", { class: "mlx-lab-fell" });
      return { box, fell, node: h("label", {}, box, h("b", { style: `--hue: var(--${hues[k]})` }, name), fell) };
    });
    const legend = h("fieldset", { class: "mlx-lab-starts" }, h("legend", {}, "Starts: error before → after"), ...rows.map(({ node }) => node));
    const cells = names.map((name, k) => {
      const small = plot({ label: `${name}, step by step`, ratio: () => 0.6 });
      return { small, node: h("figure", { class: "mlx-figure" }, h("figcaption", {}, h("b", { class: "mlx-lab-name", style: `--hue: var(--${hues[k]})` }, name)), small.node) };
    });

    const beyond = (key) => { const span = family[key].map((x) => sig(x, 3)).join("–"); return (x) => `${sig(x, 3)}, ${within(x, family[key]) ? "trained" : "outside"} ${span}`; };
    const knob = (key, label, spec) => slider({ label, get: () => get(key), set: (x) => set({ [key]: x }), ...spec });
    const [aLow, aHigh] = reach(family, "amplitude"), [pLow, pHigh] = reach(family, "phase");
    const knobs = [
      knob("amplitude", "amplitude", { min: aLow, max: aHigh, step: aHigh > 2 ? 0.1 : 0.01, show: beyond("amplitude") }),
      knob("phase", "phase", { min: pLow, max: Number(pHigh.toFixed(2)), step: 0.01, show: beyond("phase") }),
      knob("rate", "inner rate α", { min: 0.0005, max: 0.1, log: true }),
    ];
    const scrub = knob("steps", "inner steps", { min: 0, max: LAST });
    const play = player({ label: "Play", get: () => get("steps"), set: (steps) => set({ steps }), last: () => LAST, guard });
    const note = (text) => h("p", { class: "mlx-lab-note" }, text);
    const hero = hues.indexOf("maml"), verdict = h("p");
    const panels = layout(view, {
      picture: [main.node],
      controls: [legend, ...knobs.map(({ node }) => node), h("div", { class: "mlx-row" }, play.node, scrub.node)],
      panels: [
        { name: "Points", node: h("div", { class: "mlx-lab-points" }, shots.node, side.node, h("div", { class: "mlx-row" }, again, more, less),
          note("A press on the picture adds a point, a drag moves it along the truth, a double-click removes it. Keys on a point: arrows move it (Shift: further), Page Up and Down go to the others, Enter adds one, Delete removes it.")) },
        { name: "Errors", node: figure("Mean squared error on the truth. A ring marks the steps trained for.", curve.node) },
        { name: "Step by step", node: figure("Each network after 0, 1, 2, 3, 5, 10 and 20 steps, light to dark.", h("div", { class: "mlx-lab-each" }, ...cells.map(({ node }) => node))) },
        ...(hero < 0 ? [] : [{ name: "Your task", node: h("div", { class: "mlx-task" }, h("strong", {}, "Your task. "),
          `Find a sinusoid on which ${names[hero]} starts with an error above ${HARD}. Bring it below ${LOW} in one step, with as few points as you can: ${STARS[0]} are worth ★, ${STARS[1]} ★★, ${STARS[2]} ★★★.`, verdict) }]),
      ] });

    const drawnBefore = new Map();
    /** Markup that seldom changes is written when it does. */
    const write = (node, markup) => {
      if (drawnBefore.get(node) === markup) return;
      drawnBefore.set(node, markup);
      node.innerHTML = markup;
    };
    const marked = (points, x, f, r) => `<path class="mlx-lab-dots" d="${dots(points.map((px) => [x(px), f(px)]), r)}"/>`;
    const height = (now) => 1.3 * Math.max(family.amplitude[1], now.amplitude);
    const trail = (ys, y, x) => line(xs.map((each, k) => [x(each), clamp(y(ys[k]), -40, 2000)]));
    const shade = (x, bottom) => [[edge[0], family.x[0]], [family.x[1], edge[1]]].map(([a, b]) => `<rect class="mlx-lab-untrained" x="${x(a)}" y="0" width="${x(b) - x(a)}" height="${bottom}"/>`).join("");
    const wide = (k) => (hues[k] === "reptile" ? 3.5 : 2.5), drawn = (now) => names.map((_, k) => k).filter((k) => now.shown.includes(names[k]));

    /** A start's curve at the real step `t`: between two steps its parameters are on the line from one to the other. Null once it has blown up. */
    function after(k, t, now, { paths, mse }) {
      const step = Math.floor(t), part = t - step;
      if (mse[k][step] === Infinity) return null;
      const here = paths[k].subarray(step * size, (step + 1) * size);
      if (!part || !(mse[k][step + 1] < Infinity)) return outputs(now, here, xs);
      const next = paths[k].subarray((step + 1) * size, (step + 2) * size);
      return outputs(now, here.map((v, p) => v + part * (next[p] - v)), xs);
    }

    let then = { task: "", learned }; // what the networks had learned when the drag began
    /** The state that a drag began from, if it changed anything. */
    function before(now) {
      const old = was();
      if (!old || !["amplitude", "phase", "points", "rate", "steps"].some((key) => String(old[key]) !== String(now[key]))) return null;
      const from = { ...now, ...old }, key = task(from);
      if (key !== then.task) then = { task: key, learned: key === known ? learned : learn(from, starts) };
      return from;
    }

    function picture(now, t, from) {
      const [width, tall] = main.size(), right = width - margin, bottom = tall - 40, top = height(now);
      const x = scale(...edge, 36, right), y = scale(-top, top, bottom, 8), truth = xs.map(wave(now)), ends = names.map((_, k) => after(k, t, now, learned));
      across = x;
      write(main.back, shade(x, bottom)
        + axes({ x, y, xs: ticks(...edge, width > 420 ? 8 : 4), ys: ticks(-top, top, 4), left: 36, right, bottom, xLabel: "x" })
        + `<text x="3" y="15">y</text>`
        + `<text x="${(x(edge[0]) + x(family.x[0])) / 2}" y="${bottom - 8}" text-anchor="middle">${x(family.x[0]) - x(edge[0]) > long("untrained") ? "untrained" : ""}</text>`);
      const shown = drawn(now).filter((k) => ends[k]);
      const tips = shown.map((k) => clamp(y(ends[k].at(-1)), 14, bottom - 4)).concat(clamp(y(truth.at(-1)), 14, bottom - 4));
      const tags = apart(tips, 17, 14, bottom - 4), wavy = (k, ys) => `<path class="mlx-curve" style="--hue: var(--${hues[k]}); stroke-width: ${wide(k)}" stroke-dasharray="${dash(k)}" stroke-linecap="round" d="${trail(ys, y, x)}"/>`;
      const plain = (ys) => `<path class="mlx-curve" style="--hue: var(--fg); stroke-width: 1.2" d="${trail(ys, y, x)}"/>`;
      const ghost = from && drawn(now).map((k) => [k, after(k, from.steps, from, then.learned)]).filter(([, ys]) => ys).map(([k, ys]) => wavy(k, ys)).join("")
        + plain(xs.map(wave(from))) + `<g fill="none" stroke="var(--fg)">${marked(from.points, x, (px) => y(wave(from)(px)), 6)}</g>`;
      main.front.innerHTML = `<svg x="36" y="0" width="${right - 36}" height="${bottom}" viewBox="36 0 ${right - 36} ${bottom}">` + (ghost ? `<g class="mlx-ghost">${ghost}</g>` : "")
        + shown.map((k) => wavy(k, ends[k])).join("") + plain(truth) + "</svg>"
        + shown.map((k, n) => named(right + 6, tags[n] + 4, names[k], hues[k])).join("") + named(right + 6, tags.at(-1) + 4, "truth", "fg")
        + named((36 + right) / 2, 20, now.steps ? `after ${many(now.steps, "step")}` : "before the first step", "fg", "middle");
      const f = wave(now);
      pins.forEach((pin, k) => {
        const px = now.points[k];
        pin.style.display = px === undefined ? "none" : "";
        if (px === undefined) return;
        pin.classList.toggle("mlx-stray", !within(px, family.x));
        pin.setAttribute("transform", `translate(${x(px).toFixed(1)} ${y(f(px)).toFixed(1)})`);
        pin.setAttribute("aria-valuenow", px);
        pin.setAttribute("aria-valuetext", `x = ${sig(px, 3)}, y = ${sig(f(px), 3)}${within(px, family.x) ? "" : ", outside the x of training"}`);
      });
      later();
      later = () => {};
    }

    function falling(now, t) {
      const [width, tall] = curve.size(), right = width - margin, bottom = tall - 40, logs = learned.mse.map((errors) => errors.map((v) => Math.log10(v)));
      const shown = drawn(now), seen = shown.flatMap((k) => logs[k]), low = clamp(Math.floor(Math.min(...seen)), -4, -2), high = Math.max(...seen) > 1.5 ? 3 : 1.5;
      const x = scale(0, LAST, 50, right), y = scale(low, high, bottom, 14), clamped = (v) => y(clamp(v, low, high));
      const tens = Array.from({ length: Math.floor(high) + 1 - low }, (_, k) => low + k);
      write(curve.back, axes({ x, y, xs: width > 300 ? [0, 5, 10, 15, 20] : [0, 10, 20], ys: tens, left: 50, right, bottom, xLabel: "inner steps", yText: (k) => (k < 0 ? (10 ** k).toFixed(-k) : 10 ** k) }));
      const tags = apart(shown.map((k) => clamp(clamped(logs[k].at(-1)), 18, bottom)), 17, 18, bottom);
      curve.front.innerHTML = `<path class="mlx-grid" style="stroke: var(--soft); stroke-dasharray: 3 3" d="M${x(t).toFixed(1)} 14V${bottom}"/>`
        + shown.map((k) => {
          const points = logs[k].map((v, step) => [x(step), clamped(v)]), up = logs[k].indexOf(Infinity), [a, b] = along(points, t);
          return `<g style="--hue: var(--${hues[k]})"><path class="mlx-curve" stroke-dasharray="${dash(k)}" stroke-linecap="round" d="${line(up >= 0 ? points.slice(0, up + 1) : points)}"/>`
            + (trained[k] === null || trained[k] > LAST || learned.mse[k][trained[k]] === Infinity ? "" : `<circle class="mlx-lab-trained" cx="${points[trained[k]][0]}" cy="${points[trained[k]][1].toFixed(1)}" r="6"/>`)
            + (logs[k][Math.ceil(t)] === Infinity ? "" : `<circle cx="${a.toFixed(1)}" cy="${b.toFixed(1)}" r="4" fill="var(--hue)"/>`) + "</g>";
        }).join("")
        + shown.map((k, n) => named(right + 6, tags[n] + 4, names[k], hues[k])).join("");
    }

    function multiples(now, t) {
      const some = [0, 1, 2, 3, 5, 10, 20].filter((step) => step < t).concat(t), f = wave(now), top = height(now);
      cells.forEach(({ small }, k) => {
        const [width, tall] = small.size(), x = scale(...edge, 0, width), y = scale(-top, top, tall, 0);
        write(small.back, shade(x, tall) + `<path class="mlx-grid" d="M0 ${y(0)}H${width}"/>`);
        const each = some.map((step) => after(k, step, now, learned));
        small.front.innerHTML = each.map((ys, n) => (ys ? `<path class="mlx-curve" style="--hue: color-mix(in srgb, var(--${hues[k]}) ${some.length === 1 ? 100 : Math.round(30 + (70 * n) / (some.length - 1))}%, var(--card)); stroke-width: ${n === some.length - 1 ? 2.5 : 1.8}" d="${trail(ys, y, x)}"/>` : "")).join("")
          + `<path class="mlx-curve" style="--hue: var(--fg); stroke-width: 1" d="${trail(xs.map(f), y, x)}"/><g fill="var(--fg)">${marked(now.points, x, (px) => y(f(px)), 2.5)}</g>`;
      });
    }

    function judge(now) {
      const [before, after] = learned.mse[hero], earned = stars(now, learned.mse), points = many(now.points.length, "point");
      const all = `${"★".repeat(earned)}${"☆".repeat(3 - earned)}`;
      if (outside(now).length) return `Stay within the training range to play. ${all}`;
      if (before <= HARD) return `Too easy: ${names[hero]} starts with ${sig(before)} here. ${all}`;
      if (!(after < LOW)) return `From ${sig(before)} to ${after < Infinity ? sig(after) : "no number"} in one step with ${points}: not yet. ${all}`;
      return `From ${sig(before)} to ${sig(after)} in one step with ${points}. ${all}${earned === 3 ? " Two points fix a sinusoid, if they lie well." : ""}`;
    }

    return {
      summary: () => summary(state(), learned.mse),
      draw() {
        const now = state(), from = before(now), t = play.at(), key = task(now);
        if (key !== known) {
          known = key;
          learned = learn(now, starts);
        }
        if (at >= now.points.length) select(now.points.length - 1, false);
        for (const control of [shots, side, play, scrub, ...knobs]) control.draw();
        again.textContent = `Draw ${many(now.points.length, "point")} anew (seed ${now.seed})`;
        less.textContent = `Remove point ${at + 1}`;
        more.disabled = now.points.length === MOST;
        less.disabled = now.points.length === 1;
        rows.forEach(({ box, fell }, k) => {
          const [first, last] = [0, now.steps].map((step) => learned.mse[k][step]);
          box.checked = now.shown.includes(names[k]);
          fell.textContent = `${sig(first)} → ${last < Infinity ? sig(last) : "blows up"}`;
        });
        picture(now, t, from);
        if (panels.open() === "Errors") falling(now, t);
        if (panels.open() === "Step by step") multiples(now, t);
        if (panels.open() === "Your task") verdict.textContent = judge(now);
      },
    };
  });
}

export default { render };
