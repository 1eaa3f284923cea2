// MamlPlane: one start, three tasks, and what MAML, FOMAML, Reptile and joint training make of the start. The mathematics
// is __init__.py's, operation by operation; a test compares the two.
import { along, ask, button, choice, clamp, equation, explorer, h, handle, labels, layout, line, player, plot, scale, sig, slider, still, until } from "../base/base.js";

/** @typedef {[number, number]} Point */
/** @typedef {[number, number, number, number]} Matrix  row by row */
/** @typedef {{kind: string, normal: Point, steep: number, flat: number, low: Point}} Bowl */
/** @typedef {{method: string, alpha: number, k: number, start: Point | null, optima: Point[] | null, outer: number, task: string}} State */

const KEYS = ["method", "alpha", "k", "start", "optima", "outer", "task"];
const BOX = [[-2.5, 2.5], [-1.65, 1.65]], FAR = 1e3, BETA = 0.4, OUTER = 60, STARS = [1.3, 1.12, 1.05];
/** @type {Point} */
const START = [0, 0.6];
const METHODS = { MAML: "maml", FOMAML: "fomaml", Reptile: "reptile", "joint training": "baseline" };

/** @type {Record<string, Bowl>} */
const BOWLS = {
  A: { kind: "steep", normal: [0.8, 0.6], steep: 3.2, flat: 2.8, low: [1.4, 0.5] },
  B: { kind: "flat", normal: [0.6, 0.8], steep: 0.6, flat: 0.35, low: [-1.5, 0.8] },
  C: { kind: "ravine", normal: [0.8, -0.6], steep: 3.6, flat: 0.5, low: [0.5, -1] },
};
const NAMES = Object.keys(BOWLS);

/** @param {State} state @returns {Bowl[]} */
const bowls = (state) => NAMES.map((name, i) => ({ ...BOWLS[name], low: state.optima?.[i] ?? BOWLS[name].low }));

/** @param {Bowl} bowl @returns {Matrix} */
function hessian({ normal: [p, q], steep, flat }) {
  const cross = steep * p * q - flat * p * q;
  return [steep * p * p + flat * q * q, cross, cross, steep * q * q + flat * p * p];
}

/** @param {Matrix} m @param {Point} v @returns {Point} */
const times = (m, v) => [m[0] * v[0] + m[1] * v[1], m[2] * v[0] + m[3] * v[1]];

/** @param {Matrix} m @param {Matrix} n @returns {Matrix} */
function product(m, n) {
  const [a, c] = times(m, [n[0], n[2]]), [b, d] = times(m, [n[1], n[3]]);
  return [a, b, c, d];
}

/** @param {Bowl} bowl @param {Point} point @returns {Point} */
export const gradient = (bowl, point) => times(hessian(bowl), [point[0] - bowl.low[0], point[1] - bowl.low[1]]);

function loss(bowl, point) {
  const g = gradient(bowl, point);
  return 0.5 * (g[0] * (point[0] - bowl.low[0]) + g[1] * (point[1] - bowl.low[1]));
}

/** theta, and the point after each of k steps. @param {Bowl} bowl @param {Point} theta @param {number} alpha @param {number} k @returns {Point[]} */
export function adapt(bowl, theta, alpha, k) {
  const path = [theta];
  for (let n = 0; n < k; n++) {
    const [x, y] = path[n], [g, h] = gradient(bowl, path[n]);
    path.push([x - alpha * g, y - alpha * h]);
  }
  return path;
}

/** v, and what is left of it on its way back through each of k steps. @param {Bowl} bowl @param {Point} v @param {number} alpha @param {number} k @returns {Point[]} */
export function pullBack(bowl, v, alpha, k) {
  const found = [v];
  for (let n = 0; n < k; n++) {
    const [x, y] = found[n], [g, h] = times(hessian(bowl), found[n]);
    found.push([x - alpha * g, y - alpha * h]);
  }
  return found;
}

/** A task's part of the outer gradient. @param {Bowl} bowl @param {string} method @param {Point} theta @param {number} alpha @param {number} k @returns {Point} */
export function pull(bowl, method, theta, alpha, k) {
  if (method === "joint training") return gradient(bowl, theta);
  const phi = adapt(bowl, theta, alpha, k)[k];
  if (method === "Reptile") return [theta[0] - phi[0], theta[1] - phi[1]];
  const g = gradient(bowl, phi);
  return method === "MAML" ? pullBack(bowl, g, alpha, k)[k] : g;
}

/** @param {Point[]} points @returns {Point} */
const mean = (points) => [points.reduce((sum, p) => sum + p[0], 0) / points.length, points.reduce((sum, p) => sum + p[1], 0) / points.length];

/** The start after 0, 1, ... outer steps; fewer when it runs away. @param {State} state @param {number} [steps] @returns {Point[]} */
export function walk(state, steps = state.outer) {
  const all = bowls(state), path = [state.start ?? START];
  for (let n = 0; n < steps; n++) {
    let [x, y] = path[n];
    const [g, h] = mean(all.map((bowl) => pull(bowl, state.method, [x, y], state.alpha, state.k)));
    [x, y] = [x - BETA * g, y - BETA * h];
    if (!(Math.abs(x) <= FAR && Math.abs(y) <= FAR)) break;
    path.push([x, y]);
  }
  return path;
}

/** W of a task, with which its part of the outer gradient is W (theta - low). @returns {Matrix} */
function weight(bowl, method, alpha, k) {
  const H = hessian(bowl);
  if (method === "joint training") return H;
  /** @type {Matrix} */
  const step = [1 - alpha * H[0], -alpha * H[1], -alpha * H[2], 1 - alpha * H[3]];
  /** @type {Matrix} */
  let m = [1, 0, 0, 1];
  for (let n = 0; n < k; n++) m = product(step, m);
  if (method === "Reptile") return [1 - m[0], -m[1], -m[2], 1 - m[3]];
  return method === "MAML" ? product(product(m, H), m) : product(H, m);
}

/** Where the outer gradient is zero; null where the method is drawn to no place. @param {Bowl[]} all @param {string} method @param {number} alpha @param {number} k @returns {Point | null} */
export function rest(all, method, alpha, k) {
  let a = 0, b = 0, c = 0, d = 0, u = 0, v = 0;
  for (const bowl of all) {
    const w = weight(bowl, method, alpha, k), to = times(w, bowl.low);
    [a, b, c, d] = [a + w[0], b + w[1], c + w[2], d + w[3]];
    [u, v] = [u + to[0], v + to[1]];
  }
  const det = a * d - b * c;
  if (a + d <= 0 || det <= 1e-9 * (a + d) * (a + d)) return null;
  return [(d * u - b * v) / det, (a * v - c * u) / det];
}

const average = (numbers) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
const before = (all, theta) => average(all.map((bowl) => loss(bowl, theta)));
/** The mean loss after each task's k steps. @param {Bowl[]} all @param {Point} theta @param {number} alpha @param {number} k */
export const after = (all, theta, alpha, k) => average(all.map((bowl) => loss(bowl, adapt(bowl, theta, alpha, k)[k])));

function timesLeast(all, theta, alpha, k) {
  const best = rest(all, "MAML", alpha, k);
  return best ? (after(all, theta, alpha, k) + 1e-12) / (after(all, best, alpha, k) + 1e-12) : Infinity;
}

/** The loss after the steps in units of the least there is. @param {State} state */
export const score = (state) => timesLeast(bowls(state), walk(state).at(-1), state.alpha, state.k);

/** Whether a place earns stars at all. @param {State} state */
function counts(state) {
  if (state.outer || state.optima) return false;
  const joint = rest(bowls(state), "joint training", state.alpha, state.k);
  return joint !== null && timesLeast(bowls(state), joint, state.alpha, state.k) > STARS[0];
}

/** @param {State} state */
export const stars = (state) => (counts(state) ? STARS.filter((most) => score(state) <= most).length : 0);

const length = ([x, y]) => Math.sqrt(x * x + y * y);
const plural = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

/** @param {State} state @returns {string} */
export function summary(state) {
  const { method, alpha, k, outer, task } = state, path = walk(state), all = bowls(state), theta = path.at(-1);
  let text = `${method}, α = ${sig(alpha, 3)}, k = ${k}: θ = (${sig(theta[0], 3)}, ${sig(theta[1], 3)})`;
  if (path.length <= outer) return `${text}: it runs away at outer step ${path.length}.`;
  if (outer) text += ` after ${plural(outer, "outer step")}`;
  if (task === "guess") return `${text}. Losses and pulls are covered until you press Judge.`;
  const pulls = all.map((bowl) => pull(bowl, method, theta, alpha, k));
  text += `, mean loss ${sig(before(all, theta))}, after ${plural(k, "inner step")} ${sig(after(all, theta, alpha, k))}. `
    + `Pulls on θ: ${NAMES.map((name, i) => `${name} ${sig(length(pulls[i]))}`).join(", ")}; their mean ${sig(length(mean(pulls)))}.`;
  if (task === "judged") text += ` The loss after the steps is ${sig(score(state), 3)} times the least there is: ${stars(state)} of 3 stars.`;
  return text;
}

// ---- the picture

const LEVELS = [0.05, 0.2, 0.45], LONG = 1.3, GROWS = 1.8;

/** A gradient as long as its arrow is drawn: short ones to scale, none longer than LONG. @param {Point} v @returns {Point} */
function reach(v) {
  const size = length(v), part = size ? (LONG * Math.tanh((GROWS * size) / LONG)) / size : 0;
  return [part * v[0], part * v[1]];
}

// One outer step in four parts, each of which moves and then stands for a moment: what has the method, and what acts in the formula.
const PARTS = { MAML: [0, 1, 2, 3], FOMAML: [0, 1, 2, 3], Reptile: [0, 1, 3], "joint training": [1, 3] };
const ACTS = [["inner", "times"], ["gradient"], ["back"], ["mean"]], MOVES = 400, STANDS = 350; // milliseconds
const ease = (t) => (t < 0.5 ? 2 * t * t : 1 - 2 * (1 - t) * (1 - t));

const SAYS = {
  MAML: ["each task steps from θ to its φ", "the gradient at each φ", "each gradient, pulled back to θ", "their mean moves θ"],
  FOMAML: ["each task steps from θ to its φ", "the gradient at each φ", "each gradient at θ, as it was at φ", "their mean moves θ"],
  Reptile: ["each task steps from θ to its φ", "the way from θ to each φ", "the way from θ to each φ", "their mean moves θ"],
  "joint training": ["no inner steps", "each task's gradient at θ", "each task's gradient at θ", "their mean moves θ"],
};
const GRADIENT = { MAML: "∇L_i(φ_i)", FOMAML: "∇L_i(φ_i)", Reptile: "(θ − φ_i)", "joint training": "∇L_i(θ)" };
const DASHES = { FOMAML: "9 4 2 4", Reptile: "2 5", "joint training": "7 5" };
const RESTS = "Where they rest", TASK = "Your task";

/** @param {{model: import("../base/base.js").Model, el: HTMLElement}} host */
function render(host) {
  return explorer(host, { title: "One start, pulled by three tasks", watch: KEYS }, (view) => {
    const { get, set, guard, was, root } = view;
    root.classList.add("mlx-plane");
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    const land = plot({ label: "The plane of parameters: three tasks, the start, and where it is pulled", ratio: () => 0.66 });
    let across = scale(0, 1, 0, 1), up = scale(0, 1, 0, 1), touched = get("start") !== null;
    let stage = 4, began = 0; // `stage`: how much of one outer step is drawn, 4 is all of it; `began`: when it began to play
    const hide = () => (get("task") === "closed" ? {} : { task: "guess" }); // what is moved is to be judged anew

    const pixel = ([x, y]) => /** @type {Point} */ ([across(x), up(y)]);
    const grip = (label, where, put, press) => handle({ svg: land.node, label, step: 0.02, guard, press, get: where,
      set: (point) => { began = 0; put(point); }, toData: (x, y) => [across.back(x), up.back(y)], box: () => ({ x: BOX[0], y: BOX[1] }) });
    const lows = NAMES.map((name, i) => grip(`Lowest point of task ${name}`, () => bowls(state())[i].low,
      (point) => set({ optima: bowls(state()).map(({ low }, j) => (i === j ? point : low)), ...hide() }), false));
    lows.forEach(({ node }) => node.classList.add("mlx-plane-low"));
    const theta = grip("The start θ", () => walk(state()).at(-1),
      (start) => { touched = true; set({ start: /** @type {Point} */ (start), outer: 0, ...hide() }); }, true);
    land.node.append(...lows.map(({ node }) => node), theta.node);

    const outside = equation({ label: "One outer step", rows: [{ terms: [{ id: "move", text: "θ ← θ − β ·" }, { id: "mean", text: "mean_i" },
      { id: "back", text: "{(I − αH_i)}^k", hint: "The way back through the k steps" }, { id: "gradient", text: GRADIENT.MAML }] }] });
    const inside = equation({ label: "The inner steps of task i", rows: [{ terms: [{ id: "inner", text: "φ_i ← φ_i − α ∇L_i(φ_i)" }, { id: "times", text: "from θ, once" }] }] });
    const back = outside.node.querySelectorAll(".mlx-term")[2];

    const pick = choice({ label: "Method", quiet: true, options: Object.keys(METHODS).map((value) => ({ value, text: value })),
      get: () => get("method"), set: (method) => { began = 0; set({ method, ...hide() }); } });
    pick.node.classList.add("mlx-plane-methods");
    const knobs = [
      slider({ label: "inner rate α", min: 0.01, max: 0.6, step: 0.01, get: () => get("alpha"), set: (alpha) => set({ alpha, ...hide() }) }),
      slider({ label: "inner steps k", min: 0, max: 8, get: () => get("k"), set: (k) => set({ k, ...hide() }) }),
      slider({ label: "slow motion", min: 0, max: 4, step: 0.05, show: (x) => (x === 4 ? "all of it" : `part ${Math.floor(x) + 1} of 4`),
        get: () => stage, set: (x) => { began = 0; stage = x; view.redraw(); } }),
    ];
    const far = () => Math.min(walk(state(), OUTER).length - 1, OUTER);
    const play = player({ label: "Play", every: 280, guard, last: far, get: () => Math.min(get("outer"), far()), set: (outer) => set({ outer, ...hide() }) });
    const finish = () => { began = 0; stage = 4; set({ outer: Math.min(get("outer") + 1, far()), ...hide() }); };
    const one = button("One outer step", guard(() => {
      if (began || still()) return finish(); // pressed once more: at once
      began = performance.now();
      view.redraw();
    }));
    const home = button("Back to the start", () => { began = 0; stage = 4; set({ outer: 0, ...hide() }); });
    const reset = button("Reset", () => { began = 0; stage = 4; touched = false; set({ start: null, optima: null, outer: 0, alpha: 0.25, k: 1, ...hide() }); });

    const caption = h("caption", {}, "Mean loss where each rests");
    const rows = Object.keys(METHODS).map((method) => ({ method, cells: [h("td"), h("td")] }));
    const table = h("table", { class: "mlx-plane-table" }, caption,
      h("thead", {}, h("tr", {}, ...["", "at θ", "after k steps"].map((text) => (text ? h("th", { scope: "col" }, text) : h("td"))))),
      h("tbody", {}, ...rows.map(({ method, cells }) => h("tr", { style: `--hue: var(--${METHODS[method]})` }, h("th", { scope: "row" }, method), ...cells))));
    const verdict = h("p", { class: "mlx-verdict" });
    const judge = button("Judge", () => set({ task: "judged" }));
    const panels = layout(view, {
      picture: [land.node, h("div", { class: "mlx-plane-formulas" }, outside.node, inside.node)],
      controls: [pick.node, ...knobs.map(({ node }) => node), h("div", { class: "mlx-row" }, one, play.node, home, reset)],
      panels: [
        { name: RESTS, node: table },
        { name: TASK, node: h("div", { class: "mlx-task" }, h("strong", {}, "Your task. "),
          "Put θ where the inner steps help all tasks most. No losses, no pulls: they come when you press ", judge, ".", verdict) },
      ] });

    let open = panels.open();
    /** The panel "Your task" is open exactly while the trait says that there is a task; either can change first. */
    function together() {
      if (panels.open() !== open) {
        open = panels.open();
        if ((open === TASK) !== (get("task") !== "closed")) set({ task: open === TASK ? "guess" : "closed" });
      } else if ((open === TASK) !== (get("task") !== "closed")) {
        open = open === TASK ? null : TASK;
        panels.show(open);
      }
    }

    /** How far each of the four parts has come while a step plays; on its end θ moves. */
    function clock() {
      if (play.playing()) [began, stage] = [0, 4];
      if (!began) return;
      const parts = PARTS[get("method")], t = (performance.now() - began) / (MOVES + STANDS), n = Math.floor(t);
      if (n >= parts.length) return finish();
      stage = parts[n] + ease(clamp(((t - n) * (MOVES + STANDS)) / MOVES, 0, 0.999));
      ask(land.node);
    }

    const circle = ([x, y], r, rest) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}" ${rest}/>`;
    const within = ([x, y]) => x > 4 && x < land.size()[0] - 4 && y > 4 && y < land.size()[1] - 4;

    /** Markup of an arrow between two points in pixels, with a ground under it; nothing where it would be a dot. */
    function arrow([x, y], [a, b], width, look = "") {
      const size = Math.hypot(a - x, b - y), head = Math.min(6 + 2.2 * width, size);
      if (size < 3) return "";
      const [u, v] = [(a - x) / size, (b - y) / size], [p, q] = [a - head * u, b - head * v], half = head * 0.45;
      return `<g ${look}><path class="mlx-plane-casing" stroke-width="${width + 3}" d="${line([[x, y], [p + u, q + v]])}"/><path class="mlx-plane-shaft" stroke-width="${width}" d="${line([[x, y], [p + u, q + v]])}"/>`
        + `<path class="mlx-plane-head" d="${line([[a, b], [p - half * v, q + half * u], [p + half * v, q - half * u]])}Z"/></g>`;
    }

    /** The bowls: ellipses of equal loss, the same losses for all. */
    function ground(all, width, height) {
      const unit = across(1) - across(0), tick = (x, y, text, anchor) => `<text aria-hidden="true" x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${text}</text>`;
      return all.map(({ normal: [p, q], steep, flat, low }) => LEVELS.map((level, n) => {
        const [x, y] = pixel(low), [a, b] = [steep, flat].map((curve) => (unit * Math.sqrt((2 * level) / curve)).toFixed(1));
        return `<ellipse class="mlx-plane-bowl" style="stroke-opacity: ${1 - 0.25 * n}" rx="${a}" ry="${b}" transform="translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${((-180 / Math.PI) * Math.atan2(q, p)).toFixed(2)})"/>`;
      }).join("")).join("") + tick(width - 6, height - 6, "θ₁", "end") + tick(6, 16, "θ₂", "start");
    }

    /** Everything that hangs on where theta is: the paths, the phis, the gradients on their way. */
    function scene(now, all, at, parts) {
      const { method, alpha, k } = now, [step, grows, back, joins] = parts, covered = now.task === "guess";
      const names = [], lines = [], dash = DASHES[method] ? `stroke-dasharray="${DASHES[method]}"` : "";
      const tip = (from, v, part = 1) => { const w = method === "Reptile" ? v : reach(v); return pixel([from[0] - part * w[0], from[1] - part * w[1]]); };
      let marks = "", arrows = "", ends = "";
      const pulls = all.map((bowl) => pull(bowl, method, at, alpha, k));
      all.forEach((bowl, i) => {
        const points = adapt(bowl, at, alpha, k), path = until(points, step * k).map(pixel), phi = points[k];
        if (method !== "joint training") {
          marks += `<path class="mlx-plane-inner" d="${line(path)}"/>` + path.slice(1, -1).map((p) => circle(p, 2.5, 'class="mlx-plane-step"')).join("");
          ends += circle(path.at(-1), 4.5, 'class="mlx-plane-phi"');
          lines.push(path);
          if (step === 1 && k) names.push({ at: path.at(-1), text: `φ ${NAMES[i]}`, hue: "fg" });
        }
        if (covered || !grows) return;
        const atPhi = method === "MAML" || method === "FOMAML", g = gradient(bowl, phi);
        if (atPhi) { // it grows at phi, a faint one stays there, another goes back along the way that led there
          arrows += arrow(pixel(phi), tip(phi, g, grows), 2, back ? 'opacity="0.45"' : "");
          if (!back) return;
        }
        const place = along([...points].reverse(), back * k), gone = method === "MAML" ? along(pullBack(bowl, g, alpha, k), back * k) : pulls[i];
        const end = atPhi ? tip(place, gone) : tip(at, pulls[i], grows);
        arrows += arrow(atPhi ? pixel(place) : pixel(at), end, 2.5, dash);
        lines.push([pixel(at), end]);
        if (back === 1 && Math.hypot(end[0] - pixel(at)[0], end[1] - pixel(at)[1]) > 16) names.push({ at: end, text: NAMES[i], hue: "method" });
      });
      if (joins && !covered) {
        const end = tip(at, mean(pulls), joins);
        arrows = arrow(pixel(at), end, 7, dash && `stroke-dasharray="14 4"`) + arrows;
        lines.push([pixel(at), end]);
        if (joins === 1 && Math.hypot(end[0] - pixel(at)[0], end[1] - pixel(at)[1]) > 16) names.push({ at: end, text: "mean", hue: "method" });
      }
      return { markup: marks + arrows + ends, names, lines };
    }

    const ghost = (now) => {
      const then = was();
      if (!then || KEYS.every((key) => String(then[key]) === String(now[key])) || then.method !== now.method) return "";
      const all = bowls(/** @type {any} */ (then)), at = walk(/** @type {any} */ (then)).at(-1);
      return `<g class="mlx-ghost">${scene(then, all, at, [1, 1, 1, 1]).markup}${circle(pixel(at), 8, 'class="mlx-plane-was"')}</g>`;
    };

    function picture(now, t) {
      const [width, height] = land.size(), all = bowls(now), path = walk(now, OUTER);
      across = scale(...BOX[0], 0, width);
      up = scale(...BOX[1], height, 0);
      const at = along(path, Math.min(t, path.length - 1)), trail = until(path, Math.min(t, path.length - 1)).map(pixel);
      const parts = [0, 1, 2, 3].map((n) => clamp(stage - n, 0, 1)), { markup, names, lines } = scene(now, all, at, parts);
      const seen = panels.open() === RESTS || now.task === "judged", dash = DASHES[now.method] ? `stroke-dasharray="${DASHES[now.method]}"` : "";
      const shown = seen ? Object.keys(METHODS).filter((method) => panels.open() === RESTS || method === "MAML")
        .map((method) => ({ method, place: rest(all, method, now.alpha, now.k) })).filter(({ place }) => place && within(pixel(place))) : [];
      const flags = shown.map(({ method, place }) => ({ at: pixel(place), text: panels.open() === RESTS ? method : `${method} rests here`, hue: METHODS[method] }));
      land.back.innerHTML = ground(all, width, height);
      land.front.innerHTML = ghost(now) + `<path class="mlx-plane-trail" ${dash} d="${line(trail)}"/>` + trail.slice(0, -1).map((p) => circle(p, 2.5, 'class="mlx-plane-dot"')).join("")
        + markup + flags.map(({ at: p, hue }) => circle(p, 7, `class="mlx-plane-rest" style="--hue: var(--${hue})"`)).join("")
        + labels([...all.map(({ kind, low }, i) => ({ at: pixel(low), text: `${NAMES[i]} ${kind}`, hue: "fg" })), ...flags,
          { at: pixel(at), text: touched || t ? "θ" : "θ: drag me", hue: "fg" }, ...names].filter(({ at: p }) => within(p)),
        { width, height, bottom: 4, lines: [...lines, trail], boxes: [pixel(at), ...all.map(({ low }) => pixel(low)), ...flags.map(({ at: p }) => p)].map(([x, y]) => [x - 9, y - 9, x + 9, y + 9]).concat([[0, 0, 24, 24], [width - 28, height - 24, width, height]]) });
      lows.forEach(({ draw }, i) => draw(...pixel(all[i].low)));
      theta.draw(...pixel(at));
    }

    function formula(now, moving) {
      const { method, k } = now, acts = began || stage < 4 ? Math.min(Math.floor(stage), 3) : moving ? 3 : -1;
      outside.write("gradient", GRADIENT[method]);
      outside.write("back", method === "MAML" || method === "FOMAML" ? "{(I − αH_i)}^k" : "");
      back.classList.toggle("mlx-plane-struck", method === "FOMAML");
      back.title = method === "FOMAML" ? "FOMAML leaves out the way back" : "The way back through the k steps";
      inside.node.style.visibility = method === "joint training" ? "hidden" : ""; // the card keeps its height
      const text = k === 1 ? "once" : k === 2 ? "twice" : `${k} times`;
      inside.write("times", `from θ, ${text}`);
      outside.light(acts < 0 ? [] : acts === 3 ? ["mean", "move"] : ACTS[acts]);
      inside.light(acts < 0 ? [] : ACTS[acts]);
    }

    return {
      summary: () => summary(state()),
      draw() {
        together();
        clock();
        const t = play.at(), now = state();
        root.style.setProperty("--method", `var(--${METHODS[now.method]})`);
        for (const control of [pick, ...knobs, play]) control.draw();
        knobs[2].node.querySelector("input").setAttribute("aria-valuetext", SAYS[now.method][Math.min(Math.floor(stage), 3)]);
        picture(now, t);
        formula(now, t !== Math.round(t) && !play.playing());
        if (panels.open() === RESTS) for (const { method, cells } of rows) {
          const place = rest(bowls(now), method, now.alpha, now.k);
          cells[0].textContent = place ? sig(before(bowls(now), place)) : "nowhere";
          cells[1].textContent = place ? sig(after(bowls(now), place, now.alpha, now.k)) : "";
        }
        if (panels.open() !== TASK) return;
        const won = stars(now);
        judge.disabled = now.outer > 0 || !counts(now);
        verdict.textContent = now.optima ? "Press Reset to play among the explorer's own bowls." : now.outer ? "These were the method's steps. Put θ there with your own hand."
          : !counts(now) ? "Here joint training's start is as good. Take longer steps, or more." : now.task !== "judged" ? "Move θ, then judge."
          : `${sig(score(now), 3)} times the least there is. ${"★".repeat(won)}${"☆".repeat(3 - won)}`;
      },
    };
  });
}

export default { render };
