// AttentionStep: layers of linear attention and steps of gradient descent on the same six points. The mathematics and the words
// are __init__.py's, operation by operation; a test compares the two.
import { button, chart, clamp, dots, explorer, figure, h, handle, labels, layout, line, player, plot, scale, sig, slider, stroke } from "../base/base.js";

/** @typedef {[number, number]} Point */
/** @typedef {{points: Point[], question: number, layers: number, rate: number, scale: number}} State */

const KEYS = ["points", "question", "layers", "rate", "scale"], REACH = [2, 2.4], DAMPING = 0.25, SLOPES = [-2, 4.5], MOST = 8;
const AREA = { x: /** @type {Point} */ ([-3.8, 3.8]), y: /** @type {Point} */ ([-4.5, 4.5]) };
const START = [[-1.9, -2.2], [-1.1, -0.9], [-0.4, -1.1], [0.4, 0.9], [1.0, 0.7], [1.7, 2.3]];

/** What so many layers say at the question; they never form a weight. @param {number[]} x @param {number[]} y @param {number} question @param {number} rate @param {number} layers */
export function byAttention(x, y, question, rate, layers) {
  let left = [...y], slot = 0;
  for (let k = 0; k < layers; k++) {
    const say = left.reduce((sum, r, j) => sum + r * x[j], 0) / x.length;
    left = left.map((r, j) => r - rate * say * x[j]);
    slot -= rate * say * question;
  }
  return -slot;
}

/** The weights after 0, 1, ... steps. @param {number[]} x @param {number[]} y @param {number} rate @param {number} steps */
export function byDescent(x, y, rate, steps) {
  const weights = [0];
  for (let k = 0; k < steps; k++) {
    const w = weights[k], slope = x.reduce((sum, at, j) => sum + (w * at - y[j]) * at, 0) / x.length;
    weights.push(w - rate * slope);
  }
  return weights;
}

/** @param {State} state */
export function said({ points, question, layers, rate, scale }) {
  const x = points.map(([a]) => scale * a), y = points.map(([, b]) => scale * b), at = scale * question;
  const weights = byDescent(x, y, rate, layers), squares = x.reduce((sum, a) => sum + a * a, 0);
  const slope = x.reduce((sum, a, j) => sum + a * y[j], 0) / (squares + DAMPING);
  return { x, y, at, weights, slope, layers: byAttention(x, y, at, rate, layers), steps: weights[layers] * at, ridge: slope * at, curvature: squares / x.length };
}

/** @param {State} state @returns {string} */
export function summary(state) {
  const all = said(state), n = state.layers, far = Math.abs(all.layers - all.steps) / Math.max(1, Math.abs(all.steps)), beyond = state.rate * all.curvature;
  return `At x = ${sig(all.at, 3)}, ${n} layer${n === 1 ? "" : "s"} of attention say${n === 1 ? "s" : ""} ${sig(all.layers, 4)}, ${n} step${n === 1 ? "" : "s"} of gradient descent ${sig(all.steps, 4)}: `
    + `${far < 1e-9 ? "equal to rounding" : "not equal"}. Ridge regression says ${sig(all.ridge, 4)}. Rate times curvature is ${sig(beyond, 3)}`
    + (beyond > 2 ? ", above 2: every step leads further away." : beyond > 1 ? ", above 1: steps overshoot." : ".");
}

const minus = (v) => String(v).replace("-", "−");

/** The part of the line y = w x that lies in the picture. @param {number} w @returns {Point[]} */
function ray(w) {
  const far = Math.min(AREA.x[1], Math.abs(w) > 1e-9 ? AREA.y[1] / Math.abs(w) : Infinity);
  return [[-far, -w * far], [far, w * far]];
}

function render(host) {
  return explorer(host, { title: "One layer of attention, one step of gradient descent", watch: KEYS }, (view) => {
    const { get, set, guard, was } = view;
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    const data = plot({ label: "Six points, a question, and the line of both", ratio: (width) => width < 400 ? 200 / width : clamp(268 / width, 0.42, 0.78) });
    const bowl = plot({ label: "The loss as a function of the weight", ratio: (width) => clamp((width < 400 ? 120 : 166) / width, 0.26, 0.6) });
    for (const { back, front } of [data, bowl]) for (const layer of [back, front]) layer.setAttribute("aria-hidden", "true");
    let across = scale(0, 1, 0, 1), up = scale(0, 1, 0, 1);
    const grips = START.map((_, k) => handle({ svg: data.node, label: `Point ${k + 1}`, step: 0.05, guard, press: false,
      get: () => get("points")[k], set: (point) => set({ points: get("points").map((each, j) => (j === k ? point : each)) }),
      toData: (px, py) => [across.back(px) / get("scale"), up.back(py) / get("scale")], box: () => ({ x: [-REACH[0], REACH[0]], y: [-REACH[1], REACH[1]] }) }));
    const ask = handle({ svg: data.node, label: "The question x", hue: "metric", step: 0.05, guard, press: false, get: () => [get("question"), 0],
      set: ([question]) => set({ question }), toData: (px) => [across.back(px) / get("scale"), 0], box: () => ({ x: [-REACH[0], REACH[0]], y: [0, 0] }) });
    ask.node.classList.add("mlx-attention-ask");
    data.node.append(...grips.map(({ node }) => node), ask.node);

    const cells = ["layers", "steps", "ridge"].map(() => h("td")), names = ["layers", "steps", "ridge"].map(() => h("th", { scope: "row" }));
    const table = h("table", { class: "mlx-attention-said" }, h("caption", {}, "What is said at the question"), h("tbody", {}, ...names.map((name, k) => h("tr", {}, name, cells[k]))));
    const play = player({ label: "Play", every: 700, guard, last: () => MOST, get: () => get("layers"), set: (layers) => set({ layers }) });
    const knobs = [
      slider({ label: "layers, and steps", hue: "metric", min: 0, max: MOST, get: () => get("layers"), set: (layers) => set({ layers }) }),
      slider({ label: "rate α", hue: "input", min: 0, max: 1.5, step: 0.01, get: () => get("rate"), set: (rate) => set({ rate }) }),
      slider({ label: "inputs times", hue: "warning", min: 0.5, max: 1.8, step: 0.05, get: () => get("scale"), set: (scale) => set({ scale }) }),
    ];
    const reset = button("Reset", () => set({ points: START, question: 1.5, layers: 1, rate: 0.5, scale: 1 }));
    layout(view, { picture: [figure("Thick: a pair counts much; dashed: against.", data.node), figure("The same as steps on the loss.", bowl.node)],
      controls: [h("div", { class: "mlx-row" }, play.node, reset), ...knobs.map(({ node }) => node), table] });

    /** The weight at a real number of steps. */
    const between = (weights, t) => { const k = Math.min(Math.floor(t), weights.length - 1), next = weights[Math.min(k + 1, weights.length - 1)]; return weights[k] + (t - k) * (next - weights[k]); };

    function scene(now, all, w, then) {
      const [width, height] = data.size(), { x, y, at } = all;
      const drawn = chart({ width, height, ...AREA, xLabel: "x", yLabel: "y", xs: [-3, -2, -1, 0, 1, 2, 3], ys: height < 230 ? [-4, 0, 4] : [-4, -2, 0, 2, 4], xText: minus, yText: minus, curves: [
        { points: ray(all.slope), hue: "fg", attributes: 'stroke-dasharray="2 5"' }, { points: ray(w), hue: "metric" },
        ...(then ? [{ points: ray(then.weights.at(-1)), hue: "metric", ghost: true }] : []) ] });
      [across, up] = [drawn.x, drawn.y];
      const px = (a, b) => /** @type {Point} */ ([across(clamp(a, ...AREA.x)), up(clamp(b, ...AREA.y))]), from = px(at, 0), here = px(at, w * at);
      const looks = x.map((a, j) => { const weight = a * at; return `<path class="mlx-attention-look" ${weight < 0 ? 'stroke-dasharray="4 4"' : ""} stroke-width="${Math.min(0.5 + 0.8 * Math.abs(weight), 9).toFixed(1)}" d="${line([from, px(a, y[j])])}"/>`; }).join("");
      data.back.innerHTML = drawn.back + looks;
      data.front.innerHTML = drawn.front + `<path d="${line([from, here])}" class="mlx-attention-up"/>`
        + `<path class="mlx-attention-spot" transform="translate(${here.map((v) => v.toFixed(1)).join(" ")})" d="M0 -8L8 0L0 8L-8 0Z"/>`
        + labels([{ at: px(...ray(w)[1]), text: "layers = steps", hue: "metric" }, { at: px(...ray(all.slope)[0]), text: "ridge", hue: "fg" }],
          { width, height, left: 46, bottom: 42, lines: [ray(w), ray(all.slope)].map((ends) => ends.map(([a, b]) => px(a, b))), boxes: [[0, 0, 40, 22], ...[from, here, ...x.map((a, j) => px(a, y[j]))].map(([a, b]) => [a - 14, b - 14, a + 14, b + 14])] });
      now.points.forEach(([a, b], k) => grips[k].draw(...px(now.scale * a, now.scale * b)));
      ask.draw(...from);
    }

    function valley(all, w, t) {
      const [width, height] = bowl.size(), { x, y } = all, loss = (v) => x.reduce((sum, a, j) => sum + (v * a - y[j]) ** 2, 0) / (2 * x.length);
      const top = 2 * loss(0) + 0.01, curve = Array.from({ length: 121 }, (_, k) => SLOPES[0] + (k * (SLOPES[1] - SLOPES[0])) / 120).map((v) => /** @type {Point} */ ([v, loss(v)])).filter(([, l]) => l <= top);
      const drawn = chart({ width, height, x: /** @type {Point} */ (SLOPES), y: [0, top], xLabel: "weight w", yLabel: "loss", xText: minus, curves: [{ points: curve, hue: "fg" }] });
      const inside = (v) => v >= SLOPES[0] && v <= SLOPES[1] && loss(v) <= top, spot = (v) => /** @type {Point} */ ([drawn.x(v), drawn.y(loss(v))]);
      const walked = [...all.weights.slice(0, Math.floor(t) + 1), w], end = walked.findIndex((v) => !inside(v)), kept = end < 0 ? walked : walked.slice(0, end);
      const path = kept.map(spot), low = drawn.x(clamp(all.slope, SLOPES[0], SLOPES[1]));
      bowl.back.innerHTML = `${drawn.back}<path class="mlx-grid" d="M${low.toFixed(1)} 28V${height - 42}"/>`;
      bowl.front.innerHTML = drawn.front + (path.length > 1 ? stroke(path, "baseline") : "") + `<path style="fill: var(--baseline)" d="${dots(path, 5)}"/>`
        + (end < 0 ? "" : `<text class="mlx-name" style="--hue: var(--warning)" x="${width / 2}" y="46" text-anchor="middle">step ${end} leaves the picture</text>`);
    }

    return {
      summary: () => summary(state()),
      draw() {
        const now = state(), all = said(now), then = /** @type {any} */ (was()), t = clamp(play.at(), 0, MOST);
        const walk = t > now.layers ? byDescent(all.x, all.y, now.rate, MOST) : all.weights, w = between(walk, t);
        for (const control of [play, ...knobs]) control.draw();
        scene(now, all, w, then && KEYS.some((key) => then[key] !== now[key]) ? said(then) : null);
        valley({ ...all, weights: walk }, w, t);
        const n = now.layers;
        [`${n} layer${n === 1 ? "" : "s"} of attention`, `${n} step${n === 1 ? "" : "s"} of descent`, "ridge regression"].forEach((text, k) => { names[k].textContent = text; });
        [all.layers, all.steps, all.ridge].forEach((value, k) => { cells[k].textContent = sig(value, 4); });
      },
    };
  });
}

export default { render };
