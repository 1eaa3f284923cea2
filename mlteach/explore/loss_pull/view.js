// LossPull: drag a support point's label away and see how hard it pulls under three inner losses. The mathematics and the words are
// __init__.py's; a test compares the two.
import { apart, chart, choice, explorer, floats, handle, layout, long, named, plot, sig, slider } from "../base/base.js";

const KEYS = ["amplitude", "phase", "off", "at", "steps", "told"];
const XS = [-4.6, -3.7, -2.9, -1.8, -0.9, 0.2, 1.1, 2.3, 3.4, 4.5], STEPS = 2, FAR = 10, N = XS.length;
const LOSSES = { mse: ["squared error", "baseline"], robust: ["robust", "reptile"], metal: ["MeTAL", "maml"] };
const ARMS = Object.keys(LOSSES), DASH = { mse: "7 5", robust: "2 4", metal: "none" };
const SCENES = { "one wild label": [0, 0, 0, 0, 0, 0, 0, -7, 0, 0], "two wild labels": [0, 6, 0, 0, 0, 0, 0, -7, 0, 0], "all true": Array(N).fill(0) };
const even = (low, high, n) => Array.from({ length: n }, (_, k) => low + ((high - low) * k) / (n - 1));
const GRID = even(-5, 5, 41), AWAY = even(-FAR, FAR, 41);

const sum = (values) => values.reduce((a, b) => a + b, 0), dot = (a, b) => a.reduce((all, v, k) => all + v * b[k], 0);
const map = (params, f) => Object.fromEntries(Object.entries(params).map(([name, values]) => [name, f(values, name)]));
/** A matrix of so many columns, row by row, times a vector. */
const times = (matrix, vector) => Array.from({ length: matrix.length / vector.length }, (_, r) => vector.reduce((all, v, k) => all + matrix[r * vector.length + k] * v, 0));
/** Its transpose times a vector. */
const back = (matrix, vector) => Array.from({ length: matrix.length / vector.length }, (_, k) => vector.reduce((all, v, r) => all + matrix[(r * matrix.length) / vector.length + k] * v, 0));

/** What every arm learned, by name. @param {any[]} shapes @param {DataView} bytes */
export function read(shapes, bytes) {
  const all = floats(bytes), arms = Object.fromEntries(ARMS.map((arm) => [arm, {}]));
  let place = 0;
  for (const [arm, name, shape] of shapes) {
    const size = shape.reduce((a, b) => a * b, 1);
    arms[arm][name] = Array.from(all.slice(place, place + size));
    place += size;
  }
  return arms;
}
const start = (theta) => Object.fromEntries(Object.entries(theta).filter(([name]) => name.startsWith("layer")));

/** The network's answer at x, and what is needed to go back. */
function forward(phi, x) {
  const a = times(phi["layer1.weight"], [x]).map((v, k) => Math.max(v + phi["layer1.bias"][k], 0));
  const b = times(phi["layer2.weight"], a).map((v, k) => Math.max(v + phi["layer2.bias"][k], 0));
  return { x, a, b, y: dot(phi["layer3.weight"], b) + phi["layer3.bias"][0] };
}
/** Adds to `gradient` what the answer's derivative `d` makes of it. */
function backward(phi, { x, a, b }, d, gradient) {
  const db = b.map((v, k) => (v > 0 ? d * phi["layer3.weight"][k] : 0)), da = back(phi["layer2.weight"], db).map((v, k) => (a[k] > 0 ? v : 0));
  b.forEach((v, k) => { gradient["layer3.weight"][k] += d * v; });
  gradient["layer3.bias"][0] += d;
  db.forEach((v, r) => { gradient["layer2.bias"][r] += v; a.forEach((u, c) => { gradient["layer2.weight"][r * a.length + c] += v * u; }); });
  da.forEach((v, r) => { gradient["layer1.bias"][r] += v; gradient["layer1.weight"][r] += v * x; });
}

const TENSORS = ["weight1", "bias1", "weight2"], sigmoid = (z) => 1 / (1 + Math.exp(-z));
/** The loss network of step t as the state turns it, and what is needed to go back through the turn. */
function turn(theta, t, state) {
  const film = (name) => theta[`loss.support${t}.film.${name}`];
  const hidden = times(film("weight1"), state).map((v, k) => Math.tanh(v + film("bias1")[k])), both = times(film("weight2"), hidden);
  const own = {};
  TENSORS.forEach((name, k) => { own[name] = theta[`loss.support${t}.${name}`].map((w) => (1 + film("scale")[k] * both[k]) * w + film("shift")[k] * both[3 + k]); });
  return { own, hidden, film };
}
/** What is read of a point, and its derivative by the answer. */
const seen = (answer, label) => [Math.asinh(answer - label), (answer - label) ** 2 / 10, answer / 5, label / 5];
const slope = (answer, label) => [1 / Math.sqrt(1 + (answer - label) ** 2), (answer - label) / 5, 0.2, 0];
const bends = (own, point) => times(own.weight1, point).map((z, k) => z + own.bias1[k]);
/** The derivative of what the loss network says by the answer. */
const pulls = (own, answer, label) => dot(back(own.weight1, bends(own, seen(answer, label)).map((z, k) => own.weight2[k] * sigmoid(z))), slope(answer, label));

/** A network's state: the logarithm of one plus its support loss, and five times each tensor's mean. */
const stateOf = (loss, phi) => [Math.log1p(loss), ...Object.keys(phi).sort().map((name) => (5 * sum(phi[name])) / phi[name].length)];

/** The gradient of the inner loss of an arm at phi. */
function gradient(arm, theta, phi, ys, t) {
  const found = map(phi, (values) => values.map(() => 0)), ways = XS.map((x) => forward(phi, x)), r = ways.map(({ y }, i) => y - ys[i]);
  let d = r.map((v) => (2 * v) / N);
  if (arm === "robust") d = d.map((v, i) => v / Math.sqrt(1 + (r[i] / Math.exp(theta["loss.width"][0])) ** 2));
  if (arm === "metal") {
    const loss = sum(r.map((v) => v * v)) / N, state = stateOf(loss, phi), { own, hidden, film } = turn(theta, t, state);
    const changed = { weight1: own.weight1.map(() => 0), bias1: own.bias1.map(() => 0), weight2: own.weight2.map(() => 0) };
    ways.forEach(({ y }, i) => {
      const point = seen(y, ys[i]), z = bends(own, point), dz = z.map((v, k) => (own.weight2[k] * sigmoid(v)) / N);
      z.forEach((v, k) => { changed.weight2[k] += (Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)))) / N; changed.bias1[k] += dz[k]; point.forEach((p, c) => { changed.weight1[4 * k + c] += dz[k] * p; }); });
      d[i] += dot(back(own.weight1, dz), slope(y, ys[i]));
    });
    const both = [...TENSORS.map((name, k) => film("scale")[k] * dot(changed[name], theta[`loss.support${t}.${name}`])), ...TENSORS.map((name, k) => film("shift")[k] * sum(changed[name]))];
    const ds = back(film("weight1"), back(film("weight2"), both).map((v, k) => v * (1 - hidden[k] ** 2)));
    d = d.map((v, i) => v + (ds[0] * 2 * r[i]) / N / (1 + loss)); // the state holds the support loss,
    Object.keys(phi).sort().forEach((name, k) => { found[name].fill((5 * ds[k + 1]) / phi[name].length); }); // and the means of the weights
  }
  ways.forEach((way, i) => backward(phi, way, d[i], found));
  return found;
}

/** An arm's parameters after so many steps. */
export function adapted(arm, theta, ys, steps) {
  let phi = start(theta);
  for (let t = 0; t < steps; t++) {
    const g = gradient(arm, theta, phi, ys, t);
    phi = map(phi, (values, name) => values.map((v, k) => v - theta[`rate.${name}`][0] * g[name][k]));
  }
  return phi;
}
export const truth = ({ amplitude, phase }, x) => amplitude * Math.sin(x - phase);
export const labels_ = (now) => XS.map((x, i) => truth(now, x) + now.off[i]);
export const curve = (phi) => GRID.map((x) => forward(phi, x).y);
const error = (now, ys) => sum(ys.map((y, k) => (y - truth(now, GRID[k])) ** 2)) / GRID.length;

/** How far point `at` moves its own answer in the first step, were its label so far away. */
export function moved(arm, theta, now, aways) {
  const phi = start(theta), one = map(phi, (values) => values.map(() => 0)), ways = XS.map((x) => forward(phi, x)), ys = labels_(now);
  backward(phi, ways[now.at], 1, one);
  const k = sum(Object.entries(one).map(([name, g]) => theta[`rate.${name}`][0] * dot(g, g))), { y } = ways[now.at];
  const own = arm === "metal" && turn(theta, 0, stateOf((now.told * sum(ways.map((way, i) => (way.y - ys[i]) ** 2))) / N, phi)).own;
  return aways.map((away) => {
    const pull = arm === "robust" ? (-2 * away) / Math.sqrt(1 + (away / Math.exp(theta["loss.width"][0])) ** 2) : -2 * away + (own ? pulls(own, y, y + away) : 0);
    return (-k * pull) / N;
  });
}
const away = (theta, now) => labels_(now)[now.at] - forward(start(theta), XS[now.at]).y;

/** @param {any} now @param {any} arms */
export function summary(now, arms) {
  const wild = now.off.filter((each) => Math.abs(each) > 1e-9).length, ys = labels_(now);
  const each = (f) => ARMS.map((arm) => `${LOSSES[arm][0]} ${sig(f(arm))}`).join(", ");
  const errors = each((arm) => error(now, curve(adapted(arm, arms[arm], ys, now.steps)))), pull = each((arm) => moved(arm, arms[arm], now, [away(arms[arm], now)])[0]);
  return `${sig(now.amplitude, 3)} sin(x − ${sig(now.phase, 3)}), ${wild ? `${wild} of 10 labels off` : "all labels true"}. Error after ${now.steps} steps: ${errors}. `
    + `Point ${now.at + 1}, off by ${sig(now.off[now.at], 3)}, moves its own answer in the first step by: ${pull}.${now.told === 1 ? "" : ` FiLM is told ${sig(now.told)} times the support loss.`}`;
}

function render(host) {
  return explorer(host, { title: "How hard does one point pull?", watch: KEYS }, (view) => {
    const { get, set, guard } = view, arms = read(get("shapes"), get("weights"));
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    const fit = plot({ label: "Three networks fitted to ten points", ratio: (width) => (width < 480 ? 0.62 : 0.44) });
    const pull = plot({ label: "How far the point moves its own answer, against how far its label is away", ratio: (width) => (width < 480 ? 0.55 : 0.38) });
    let scales = { x: (v) => v, y: (v) => v };
    const move = (i) => ([, y]) => {
      const off = [...get("off")];
      off[i] = Math.min(Math.max(Number((y - truth(state(), XS[i])).toFixed(2)), -FAR), FAR);
      set({ off, at: i });
    };
    const points = XS.map((x, i) => handle({ svg: fit.node, label: `Support point ${i + 1}`, hue: "fg", step: 0.2, press: false, guard,
      get: () => [x, labels_(state())[i]], set: move(i), toData: (_, py) => [x, /** @type {any} */ (scales.y).back(py)],
      box: () => ({ x: [x, x], y: [truth(state(), x) - FAR, truth(state(), x) + FAR] }) }));
    points.forEach(({ node }, i) => node.addEventListener("focus", guard(() => { if (get("at") !== i) set({ at: i }); })));
    fit.node.append(...points.map(({ node }) => node));
    const scene = choice({ label: "Labels", options: Object.keys(SCENES).map((value) => ({ value, text: value })),
      get: () => Object.keys(SCENES).find((name) => SCENES[name].every((v, i) => v === get("off")[i])), set: (name) => set({ off: [...SCENES[name]] }) });
    const made = choice({ label: "Inner steps made", options: [0, 1, 2].map((value) => ({ value, text: String(value) })), get: () => get("steps"), set: (steps) => set({ steps }) });
    const knobs = [
      slider({ label: "amplitude", min: 0.1, max: 5, step: 0.1, get: () => get("amplitude"), set: (amplitude) => set({ amplitude }) }),
      slider({ label: "phase", min: 0, max: 3.14, step: 0.02, get: () => get("phase"), set: (phase) => set({ phase }) }),
      slider({ label: "support loss, as FiLM is told it", hue: "maml", min: 0.1, max: 10, log: true, show: (x) => `${sig(x)} times`, get: () => get("told"), set: (told) => set({ told }) }),
    ];
    layout(view, { picture: [fit.node, pull.node], controls: [scene.node, made.node, ...knobs.map(({ node }) => node)] });
    let known = "", ends = {};

    return {
      summary: () => summary(state(), arms),
      draw() {
        const now = state(), was = view.was(), ys = labels_(now), key = JSON.stringify([ys, now.steps]);
        if (key !== known) ends = Object.fromEntries(ARMS.map((arm) => [arm, curve(adapted(arm, arms[arm], ys, now.steps))]));
        known = key;
        for (const control of [scene, made, ...knobs]) control.draw();
        const [width, tall] = fit.size(), top = Math.max(6, ...ys.map(Math.abs)) + 1;
        const before = was && was.off.join() !== now.off.join() ? ARMS.map((arm) => ({ points: GRID.map((x, k) => [x, curve(adapted(arm, arms[arm], labels_({ ...now, ...was }), now.steps))[k]]), hue: LOSSES[arm][1], ghost: true })) : [];
        const drawn = chart({ width, height: tall, x: [-5, 5], y: [-top, top], xLabel: "x", yLabel: `y after ${now.steps} inner steps`,
          curves: [...before, { points: GRID.map((x) => [x, truth(now, x)]), hue: "fg" },
            ...ARMS.map((arm) => ({ points: GRID.map((x, k) => [x, ends[arm][k]]), hue: LOSSES[arm][1], attributes: `stroke-dasharray="${DASH[arm]}"` }))] });
        scales = drawn;
        fit.back.innerHTML = drawn.back;
        fit.front.innerHTML = drawn.front;
        points.forEach(({ node, draw }, i) => {
          draw(drawn.x(XS[i]), drawn.y(ys[i]));
          node.classList.toggle("mlx-pull-other", i !== now.at);
        });
        const [wide, high] = pull.size(), margin = 12 + Math.max(...ARMS.map((arm) => long(LOSSES[arm][0]))), each = Object.fromEntries(ARMS.map((arm) => [arm, moved(arm, arms[arm], now, AWAY)]));
        const most = Math.max(0.5, ...ARMS.flatMap((arm) => each[arm].map(Math.abs)));
        const far = chart({ width: wide - margin + 14, height: high, x: [-FAR, FAR], y: [-most, most], xLabel: "label minus answer", yLabel: `point ${now.at + 1} moves its own answer by`,
          curves: ARMS.map((arm) => ({ points: AWAY.map((a, k) => [a, each[arm][k]]), hue: LOSSES[arm][1], attributes: `stroke-dasharray="${DASH[arm]}"` })) });
        const tags = apart(ARMS.map((arm) => far.y(each[arm].at(-1))), 17, 16, high - 46);
        pull.back.innerHTML = far.back;
        pull.front.innerHTML = far.front + ARMS.map((arm, k) => {
          const place = away(arms[arm], now), [a, b] = [far.x(place), far.y(moved(arm, arms[arm], now, [place])[0])];
          return `<circle cx="${a.toFixed(1)}" cy="${b.toFixed(1)}" r="5" style="fill: var(--${LOSSES[arm][1]})"/>` + named(wide - margin + 6, tags[k] + 5, LOSSES[arm][0], LOSSES[arm][1]);
        }).join("");
      },
    };
  });
}

export default { render };
