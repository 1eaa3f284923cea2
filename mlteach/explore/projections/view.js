// Projections: every task has a curve of solutions, and Reptile looks for a start that is near all of them. The
// mathematics is __init__.py's, operation by operation; a test compares the two.
import { along, button, chart, choice, clamp, equation, explorer, figure, h, handle, labels, layout, line, player, plot, scale, sig, slider, until } from "../base/base.js";

/** @typedef {[number, number]} Point */
/** @typedef {{at: Point, normal: Point, radius: number, steep: number, label: Point}} Curve  radius 0: a line */
/** @typedef {{scene: string, start: Point | null, inner: number, exact: boolean, beta: number, order: string}} State */

const KEYS = ["scene", "start", "inner", "exact", "beta", "order"];
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
    [x, y] = [x + state.beta * u, y + state.beta * v];
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
  return `${state.scene[0].toUpperCase()}${state.scene.slice(1)}, ${inner}, β = ${sig(state.beta, 3)}, tasks ${state.order}. Distances from the start: `
    + `${each}; pull ${sig(strain(state))}. Mean of D²/2: ${sig(meanSquare(state.scene, path[0]))}, after ${OUTER} outer steps ${sig(meanSquare(state.scene, path.at(-1)))}.`
    + (earned ? ` The start stays: ${"★".repeat(earned)}` : "");
}

/** Two ends of a line, far outside of the picture. @param {Curve} curve */
const ends = ({ at, normal }) => [-9, 9].map((far) => [at[0] - far * normal[1], at[1] + far * normal[0]]);

function render(host) {
  return explorer(host, { title: "A start near every task's solutions", watch: KEYS }, (view) => {
    const { get, set, guard, was } = view;
    const state = () => /** @type {any} */ (Object.fromEntries(KEYS.map((key) => [key, get(key)])));
    const plane = plot({ label: "The plane of parameters, with the solutions of each task", ratio: (width) => Math.min(2 / 3, 420 / width) }); // wider, it shows more of the plane
    const curve = plot({ label: "Mean of D²/2 after each outer step", ratio: (width) => clamp(200 / width, 0.4, 0.9) });
    for (const { back, front } of [plane, curve]) for (const layer of [back, front]) layer.setAttribute("aria-hidden", "true");
    let across = scale(0, 1, 0, 1), up = scale(0, 1, 0, 1), drawn = "";
    let step = 0, touched = get("start") !== null; // `step`: how far Reptile has come; `touched`: a hand has found the start
    const grip = handle({ svg: plane.node, label: "The start", step: 0.02, guard,
      get: () => origin(state()), set: (start) => { touched = true; step = 0; set({ start }); }, toData: (x, y) => [across.back(x), up.back(y)],
      box: () => ({ x: BOX[0], y: BOX[1] }) });
    plane.node.append(grip.node);

    const formula = equation({ label: "An inner step on one task, and an outer step of Reptile", rows: [
      { name: "on a task", terms: ["φ", "←", "φ", "−", { id: "α", hue: "baseline", text: "α h" }, "·", { id: "P", hue: "baseline", text: "(φ − P(φ))" }] },
      { name: "Reptile", terms: ["θ", "←", "θ", "+", { id: "β", hue: "reptile", text: "β" }, "·", { id: "k", hue: "reptile", text: "(φ_k − θ)" }] },
    ] });
    const lit = (control, ...ids) => {
      for (const name of ["pointerenter", "focusin"]) control.node.addEventListener(name, () => formula.light(ids));
      for (const name of ["pointerleave", "focusout"]) control.node.addEventListener(name, () => formula.light([]));
      return control;
    };
    const scene = choice({ label: "Solutions of the tasks", quiet: true, options: Object.keys(SCENES).map((value) => ({ value, text: value })),
      get: () => get("scene"), set: (value) => { step = 0; set({ scene: value, start: null }); } });
    const exact = lit(choice({ label: "Train on each task", options: [{ value: "steps", text: "k steps" }, { value: "exact", text: "to the end" }],
      get: () => (get("exact") ? "exact" : "steps"), set: (value) => set({ exact: value === "exact" }) }), "α", "P", "k");
    const order = choice({ label: "Tasks", options: ["all at once", "in turn"].map((value) => ({ value, text: value })),
      get: () => get("order"), set: (value) => set({ order: value }) });
    const knobs = [
      lit(slider({ label: "inner steps k", hue: "baseline", min: 1, max: 20, step: 1, get: () => get("inner"), set: (inner) => set({ inner, exact: false }) }), "k", "P"),
      lit(slider({ label: "outer rate β", hue: "reptile", min: 0.05, max: 1, step: 0.05, get: () => get("beta"), set: (beta) => set({ beta }) }), "β"),
    ];
    const play = player({ label: "Play", every: 220, guard, last: () => OUTER, get: () => step, set: (k) => { step = k; view.redraw(); } });
    const scrub = slider({ label: "outer step", hue: "reptile", min: 0, max: OUTER, show: (x) => `${x} of ${OUTER}`, get: () => step, set: (k) => { step = k; view.redraw(); } });
    const reset = button("Reset", () => { step = 0; set({ start: null, inner: 3, exact: false, beta: 0.3, order: "all at once" }); });
    const verdict = h("p"), FAR = "How far from all";
    const panels = layout(view, {
      head: [h("div", { class: "mlx-pulls" }, formula.node)], picture: [plane.node],
      controls: [scene.node, exact.node, order.node, ...knobs.map(({ node }) => node), h("div", { class: "mlx-row" }, play.node, scrub.node), h("div", { class: "mlx-row" }, reset)],
      panels: [
        { name: FAR, node: figure("Mean over the tasks of D²/2: lower is nearer to all.", curve.node) },
        { name: "Your task", node: h("div", { class: "mlx-task" }, h("strong", {}, "Your task. "),
          "On three lines, put the start where Reptile would leave it: where the tasks' pulls cancel. Then change k, and say which task the place moves to, and why.", verdict) },
      ] });

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

    const circle = ([x, y], r, style) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}" style="${style}"/>`;
    const dotted = (points, width) => `<path class="mlx-curve" style="--hue: var(--reptile); stroke-width: ${width}; stroke-dasharray: 1 6; stroke-linecap: round" d="${line(points)}"/>`;

    function map(now, path, ghost, t) {
      const [width, height] = plane.size();
      across = scale(...[-1, 1].map((side) => (side * BOX[1][1] * width) / height), 0, width);
      up = scale(...BOX[1], height, 0);
      fixed(now, width, height);
      const pixel = ([x, y]) => /** @type {Point} */ ([across(x), up(y)]), here = along(path, t), start = pixel(path[0]);
      const curves = Object.entries(SCENES[now.scene]), turn = now.order === "in turn" ? Math.min(Math.floor(t), OUTER - 1) % curves.length : -1;
      const inner = curves.map(([name, each], k) => ({ name, acts: turn < 0 || turn === k, points: adapt(each, ...here, now.inner, now.exact).map(pixel) }));
      const acting = inner.filter(({ acts }) => acts).map(({ points }) => points.at(-1));
      const mean = /** @type {Point} */ ([0, 1].map((d) => acting.reduce((total, end) => total + end[d], 0) / acting.length));
      const green = path.map(pixel), end = green.at(-1), at = pixel(here);
      plane.front.innerHTML = (ghost ? `<g class="mlx-ghost">${dotted(ghost.map(pixel), 3)}${circle(pixel(ghost[0]), 8, "fill: none; stroke: var(--fg); stroke-width: 2; stroke-dasharray: 3 3")}</g>` : "")
        + inner.map(({ points, acts }) => `<g style="--hue: var(--baseline)" opacity="${acts ? 1 : 0.4}"><path class="mlx-curve" style="stroke-width: 1.5" d="${line(points)}"/>`
          + points.slice(1).map((point, k) => circle(point, k + 2 === points.length ? 5 : 2.5, "fill: var(--baseline)")).join("") + "</g>").join("")
        + `<path class="mlx-curve" style="--hue: var(--reptile); stroke-width: 2" d="${line([at, mean])}"/>` + circle(mean, 5, "fill: var(--card); stroke: var(--reptile); stroke-width: 2.5")
        + dotted(green, 3.5) + `<path class="mlx-curve" style="--hue: var(--reptile); stroke-width: 3.5" d="${line(until(green, t))}"/>`
        + circle(end, 7, "fill: var(--reptile); stroke: var(--card); stroke-width: 2") + (t > 0 ? circle(at, 8, "fill: var(--reptile); stroke: var(--fg); stroke-width: 2") : "")
        + labels([{ at: end, text: "Reptile ends here", hue: "reptile" }, ...(touched ? [] : [{ at: start, text: "drag me", hue: "fg" }]),
          ...(Math.hypot(mean[0] - at[0], mean[1] - at[1]) > 24 ? [{ at: mean, text: acting.length > 1 ? "mean of the φ" : "φ", hue: "reptile" }] : [])],
        { width, height, bottom: 18, lines: [green, ...inner.map(({ points }) => points)], boxes: [[start[0] - 14, start[1] - 14, start[0] + 14, start[1] + 14],
          ...curves.map(([, { label: [x, y] }]) => [across(x) - 2, up(y) - 15, across(x) + 96, up(y) + 5])] });
      grip.draw(...start);
    }

    function falls(now, path, ghost, t) {
      const [width, height] = curve.size(), values = (some) => some.map((point, k) => /** @type {Point} */ ([k, meanSquare(now.scene, point)])), ours = values(path);
      const top = Math.max(...ours.map(([, v]) => v), 0.1), dash = 'stroke-dasharray="1 6" stroke-linecap="round"';
      const { back, front, x, y } = chart({ width, height, x: [0, OUTER], y: [0, 1.05 * top], xLabel: "outer step", yLabel: "", yText: (v) => sig(v), curves: [
        ...(ghost ? [{ points: values(ghost).map(([k, v]) => /** @type {Point} */ ([k, Math.min(v, 1.05 * top)])), hue: "reptile", attributes: dash, ghost: true }] : []),
        { points: ours, hue: "reptile", attributes: dash, name: sig(ours.at(-1)[1]) }, { points: until(ours, t), hue: "reptile" },
      ] });
      const [k, v] = along(ours, t);
      curve.back.innerHTML = back;
      curve.front.innerHTML = front + circle([x(k), y(v)], 7, "fill: var(--reptile); stroke: var(--card); stroke-width: 2");
    }

    return {
      summary: () => summary(state()),
      draw() {
        const now = state(), path = walk(now), then = was(), t = play.at();
        const ghost = then && then.scene === now.scene && KEYS.some((key) => then[key] !== now[key]) ? walk(/** @type {any} */ (then)) : null;
        [scene, exact, order, play, scrub, ...knobs].forEach((control) => control.draw());
        for (const [id, text] of [["α", now.exact ? "1" : `${RATE} h`], ["β", sig(now.beta, 3)], ["k", now.exact ? "(P(θ) − θ)" : `(φ_{${now.inner}} − θ)`]]) formula.write(id, text);
        map(now, path, ghost, t);
        if (panels.open() === FAR) falls(now, path, ghost, t);
        const earned = stars(now);
        verdict.textContent = now.scene !== "three lines" ? "Choose three lines to play."
          : `The pull here is ${sig(strain(now))} long. ${"★".repeat(earned)}${"☆".repeat(3 - earned)}`;
      },
    };
  });
}

export default { render };
