// Projections: every task has a curve of solutions, and Reptile looks for a start that is near all of them. The
// mathematics is __init__.py's, operation by operation; a test compares the two.
import { axes, button, choice, clamp, explorer, figure, h, handle, line, named, plot, scale, sig, slider } from "../base/base.js";

/** @typedef {[number, number]} Point */
/** @typedef {{at: Point, normal: Point, radius: number, steep: number, label: Point}} Curve  radius 0: a line */
/** @typedef {{scene: string, start: Point | null, inner: number, exact: boolean, epsilon: number, order: string}} State */

const KEYS = ["scene", "start", "inner", "exact", "epsilon", "order"];
const BOX = [[-2.5, 2.5], [-5 / 3, 5 / 3]], RATE = 0.2, OUTER = 40, STARS = [0.15, 0.06, 0.02];

/** @type {Record<string, Record<string, Curve>>} */
export const SCENES = {
  "two lines": {
    A: { at: [0.6, 0.2], normal: [0.6, 0.8], radius: 0, steep: 1, label: [1.15, -0.04] },
    B: { at: [0.6, 0.2], normal: [-0.96, 0.28], radius: 0, steep: 3, label: [1.05, 1.3] },
  },
  "three lines": {
    A: { at: [0, -0.9], normal: [0, 1], radius: 0, steep: 1, label: [-0.6, -0.84] },
    B: { at: [0.8, 0.2], normal: [0.8, 0.6], radius: 0, steep: 1, label: [0.35, 1.1] },
    C: { at: [-0.9, 0.3], normal: [-0.8, 0.6], radius: 0, steep: 4, label: [-2.0, -1.5] },
  },
  circles: {
    A: { at: [-0.7, -0.1], normal: [1, 0], radius: 1.1, steep: 1, label: [-1.25, -1.46] },
    B: { at: [0.8, 0.1], normal: [1, 0], radius: 1, steep: 3, label: [0.4, -1.16] },
  },
};
const START = { "two lines": [-1.6, -0.9], "three lines": [-1.7, 1.1], circles: [-1.9, 1.2] };

const origin = (state) => state.start ?? START[state.scene];

/** The point of the curve that is nearest. @param {Curve} curve @param {number} x @param {number} y @returns {Point} */
export function nearest(curve, x, y) {
  const u = x - curve.at[0], v = y - curve.at[1];
  if (!curve.radius) {
    const away = u * curve.normal[0] + v * curve.normal[1];
    return [x - away * curve.normal[0], y - away * curve.normal[1]];
  }
  const far = Math.sqrt(u * u + v * v);
  if (far < 1e-9) return [curve.at[0] + curve.radius, curve.at[1]];
  return [curve.at[0] + (curve.radius / far) * u, curve.at[1] + (curve.radius / far) * v];
}

/** @param {Curve} curve @param {number} x @param {number} y */
export function distance(curve, x, y) {
  const [a, b] = nearest(curve, x, y);
  return Math.sqrt((x - a) * (x - a) + (y - b) * (y - b));
}

/** The points of the inner loop. @param {Curve} curve @param {number} x @param {number} y @param {number} inner
 * @param {boolean} exact @returns {Point[]} */
export function adapt(curve, x, y, inner, exact) {
  const path = [[x, y]];
  for (let k = 0; k < (exact ? 1 : inner); k++) {
    const [a, b] = nearest(curve, x, y), part = exact ? 1 : RATE * curve.steep;
    [x, y] = [x - part * (x - a), y - part * (y - b)];
    path.push([x, y]);
  }
  return path;
}

/** The mean over the curves of phi - theta. @param {Curve[]} curves @returns {Point} */
function pull(curves, x, y, inner, exact) {
  let u = 0, v = 0;
  for (const curve of curves) {
    const end = adapt(curve, x, y, inner, exact).at(-1);
    u += end[0] - x;
    v += end[1] - y;
  }
  return [u / curves.length, v / curves.length];
}

/** Reptile's outer steps. @param {State} state @returns {Point[]} */
export function walk(state) {
  const curves = Object.values(SCENES[state.scene]), path = [origin(state)];
  let [x, y] = origin(state);
  for (let step = 0; step < OUTER; step++) {
    const some = state.order === "in turn" ? [curves[step % curves.length]] : curves;
    const [u, v] = pull(some, x, y, state.inner, state.exact);
    [x, y] = [x + state.epsilon * u, y + state.epsilon * v];
    path.push([x, y]);
  }
  return path;
}

function meanSquare(scene, [x, y]) {
  const curves = Object.values(SCENES[scene]);
  let total = 0;
  for (const curve of curves) {
    const d = distance(curve, x, y);
    total += (d * d) / 2;
  }
  return total / curves.length;
}

/** The length of the pull on the start. @param {State} state */
export function strain(state) {
  const [u, v] = pull(Object.values(SCENES[state.scene]), ...origin(state), state.inner, state.exact);
  return Math.sqrt(u * u + v * v);
}

const stars = (state) => (state.scene === "three lines" ? STARS.filter((most) => strain(state) <= most).length : 0);

/** @param {State} state @returns {string} */
export function summary(state) {
  const path = walk(state), earned = stars(state);
  const inner = state.exact ? "exact projection" : `${state.inner} inner step${state.inner === 1 ? "" : "s"}`;
  const each = Object.entries(SCENES[state.scene]).map(([name, curve]) => `${name} ${sig(distance(curve, ...origin(state)))}`).join(", ");
  return `${state.scene[0].toUpperCase()}${state.scene.slice(1)}, ${inner}, ε = ${sig(state.epsilon, 3)}, tasks ${state.order}. Distances from the start: `
    + `${each}; pull ${sig(strain(state))}. Mean of D²/2: ${sig(meanSquare(state.scene, path[0]))}, after ${OUTER} outer steps ${sig(meanSquare(state.scene, path.at(-1)))}.`
    + (earned ? ` The start stays: ${"★".repeat(earned)}` : "");
}

/** Where a line leaves the picture, both ends. @param {Curve} curve */
function ends({ at, normal }) {
  const way = [-normal[1], normal[0]];
  let low = -9, high = 9;
  for (const k of [0, 1]) {
    if (Math.abs(way[k]) < 1e-9) continue;
    const [a, b] = BOX[k].map((edge) => (edge - at[k]) / way[k]).sort((p, q) => p - q);
    [low, high] = [Math.max(low, a), Math.min(high, b)];
  }
  return [low, high].map((s) => [at[0] + s * way[0], at[1] + s * way[1]]);
}

/** @param {{model: import("../base/base.js").Model, el: HTMLElement}} host */
function render(host) {
  return explorer(host, { title: "A start near every task's solutions", watch: KEYS }, ({ root, get, set, guard }) => {
    const state = () => /** @type {any} */ (Object.fromEntries(KEYS.map((key) => [key, get(key)])));
    const plane = plot({ label: "The plane of parameters, with the solutions of each task", ratio: () => 2 / 3 });
    const curve = plot({ label: "Mean of D²/2 after each outer step", ratio: (width) => (width > 380 ? 0.9 : 0.75) });
    let across = scale(0, 1, 0, 1), up = scale(0, 1, 0, 1), drawn = "";
    const grip = handle({ svg: plane.node, label: "The start", step: 0.02, guard,
      get: () => origin(state()), set: (start) => set({ start }), toData: (x, y) => [across.back(x), up.back(y)],
      box: () => ({ x: BOX[0], y: BOX[1] }) });
    plane.node.append(grip.node);

    const scene = choice({ label: "Solutions of the tasks", options: Object.keys(SCENES).map((value) => ({ value, text: value })),
      get: () => get("scene"), set: (value) => set({ scene: value, start: null }) });
    const exact = choice({ label: "Train on each task", options: [{ value: "steps", text: "for k steps" }, { value: "exact", text: "to the end: exact projection" }],
      get: () => (get("exact") ? "exact" : "steps"), set: (value) => set({ exact: value === "exact" }) });
    const order = choice({ label: "Tasks", options: ["all at once", "in turn"].map((value) => ({ value, text: value })),
      get: () => get("order"), set: (value) => set({ order: value }) });
    const knobs = [
      slider({ label: "inner steps k", hue: "baseline", min: 1, max: 20, step: 1, get: () => get("inner"), set: (inner) => set({ inner, exact: false }) }),
      slider({ label: "outer rate ε", hue: "reptile", min: 0.05, max: 1, step: 0.05, get: () => get("epsilon"), set: (epsilon) => set({ epsilon }) }),
    ];
    const verdict = h("p");
    root.append(
      h("div", { class: "mlx-row" }, scene.node, exact.node, order.node,
        button("Reset", () => set({ start: null, inner: 3, exact: false, epsilon: 0.3, order: "all at once" }))),
      h("div", { class: "mlx-two" },
        figure("Drag the start, or focus it and press the arrow keys. Thin: training on each task. Dotted green: Reptile.", plane.node),
        figure("How far the start is from all solutions: lower is better.", curve.node)),
      h("div", { class: "mlx-sliders" }, ...knobs.map((knob) => knob.node)),
      h("div", { class: "mlx-task" }, h("strong", {}, "Your task. "),
        "On three lines, put the start where Reptile would leave it: where the tasks' pulls cancel. Then change k, and say which task the place moves to, and why.", verdict));

    function fixed(now, width, height) {
      const key = `${now.scene} ${width}`;
      if (key === drawn) return;
      drawn = key;
      plane.back.innerHTML = Object.entries(SCENES[now.scene]).map(([name, each]) => {
        const thin = `class="mlx-curve" style="--hue: var(--fg); stroke-width: 1.2"`;
        const shape = each.radius
          ? `<circle ${thin} cx="${across(each.at[0])}" cy="${up(each.at[1])}" r="${across(each.radius) - across(0)}"/>`
          : `<path ${thin} d="${line(ends(each).map(([x, y]) => [across(x), up(y)]))}"/>`;
        return `${shape}<text x="${across(each.label[0])}" y="${up(each.label[1])}">task ${name}, h = ${sig(each.steep)}</text>`;
      }).join("")
        + `<text x="${width - 6}" y="${height - 6}" text-anchor="end">θ₁</text><text x="6" y="16">θ₂</text>`;
    }

    function map(now, path) {
      const [width, height] = plane.size();
      across = scale(...BOX[0], 0, width);
      up = scale(...BOX[1], height, 0);
      fixed(now, width, height);
      const pixel = ([x, y]) => [across(x), up(y)];
      const inner = Object.values(SCENES[now.scene]).map((each) => {
        const points = adapt(each, ...origin(now), now.inner, now.exact).map(pixel);
        return `<path class="mlx-curve" style="--hue: var(--baseline); stroke-width: 1.5" d="${line(points)}"/>`
          + points.slice(1).map(([x, y], k) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${k + 2 === points.length ? 4.5 : 2.5}" style="fill: var(--baseline)"/>`).join("");
      }).join("");
      const green = path.map(pixel), end = green.at(-1), flip = end[0] > width * 0.7;
      plane.front.innerHTML = inner
        + `<path class="mlx-curve" style="--hue: var(--reptile); stroke-width: 3.5; stroke-dasharray: 1 6; stroke-linecap: round" d="${line(green)}"/>`
        + `<circle cx="${end[0].toFixed(1)}" cy="${end[1].toFixed(1)}" r="7" style="fill: var(--reptile); stroke: var(--card); stroke-width: 2"/>`
        + named(end[0] + (flip ? -12 : 12), clamp(end[1] - 10, 18, height - 24), "Reptile", "reptile", flip ? "end" : "start");
      grip.draw(...pixel(origin(now)));
    }

    function falls(now, path) {
      const [width, height] = curve.size(), values = path.map((point) => meanSquare(now.scene, point));
      const top = Math.max(...values, 0.1), nice = [0.1, 0.2, 0.5, 1, 2, 5, 10].find((each) => each >= top) ?? 20;
      const x = scale(0, OUTER, 46, width - 14), y = scale(0, nice, height - 40, 14);
      curve.back.innerHTML = axes({ x, y, xs: [0, 10, 20, 30, 40], ys: [0, nice / 2, nice], left: 46, right: width - 14, bottom: height - 40,
        xLabel: "outer step", yLabel: width < 240 ? "" : "mean of D²/2", yText: (value) => sig(value) });
      curve.front.innerHTML = `<path class="mlx-curve" style="--hue: var(--reptile); stroke-width: 3.5; stroke-dasharray: 1 6; stroke-linecap: round" d="${line(values.map((value, k) => [x(k), y(value)]))}"/>`
        + named(width - 16, Math.min(y(values.at(-1)) - 10, height - 52), sig(values.at(-1)), "reptile", "end");
    }

    return {
      summary: () => summary(state()),
      draw() {
        const now = state(), path = walk(now);
        [scene, exact, order, ...knobs].forEach((control) => control.draw());
        map(now, path);
        falls(now, path);
        const earned = stars(now);
        verdict.textContent = now.scene !== "three lines" ? "Choose three lines to play."
          : `The pull here is ${sig(strain(now))} long. ${"★".repeat(earned)}${"☆".repeat(3 - earned)}`;
      },
    };
  });
}

export default { render };
