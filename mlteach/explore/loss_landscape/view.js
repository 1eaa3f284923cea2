// LossLandscape: the loss around a start before and after meta-training, and two tasks that pull one start about. The
// mathematics is __init__.py's and two_tasks.py's, operation by operation; a test compares them.
import { along, apart, axes, choice, clamp, contours, dots, explorer, figure, floats, h, handle, labels, layout, line, long, named, player, plot, scale, sig, slider, stroke, ticks, until } from "../base/base.js";
import { menu } from "../base/menu.js";

/** @typedef {[number, number]} Point */
/** @typedef {{steep: number, flat: number, low: number, p: number, q: number, r: number}} Valley */

// ---- two tasks

export const BOX = [[-2.5, 2.5], [-5 / 3, 5 / 3]], FAR = 1e3, META_RATE = 0.1, STARS = [3, 10, 20], LIKED = 0.5;

/** @type {Record<string, Valley>} */
export const TASKS = {
  A: { steep: 3, flat: 0.35, low: -0.65, p: 1, q: -0.3, r: -0.25 },
  B: { steep: 6, flat: 0.65, low: 0.8, p: -0.6, q: 0.25, r: -0.35 },
};
const BESIDES = { A: -9, B: 20 }; // how far under its lowest point a task's name stands
const PAIR = Object.values(TASKS), RULES = ["joint", "maml", "fomaml", "reptile"];

/** The floor of a valley. @param {Valley} t @param {number} x */
const floor = (t, x) => t.p + t.q * x + t.r * x * x;

/** @param {Valley} t @param {number} x @param {number} y */
export function loss(t, x, y) {
  const u = y - floor(t, x), v = x - t.low;
  return 0.5 * t.steep * u * u + 0.5 * t.flat * v * v;
}

/** @param {Valley} t @param {number} x @param {number} y @returns {Point} */
export function gradient(t, x, y) {
  const u = y - floor(t, x), slope = t.q + 2 * t.r * x;
  return [-t.steep * u * slope + t.flat * (x - t.low), t.steep * u];
}

/** xx, xy, yy. @param {Valley} t @param {number} x @param {number} y @returns {[number, number, number]} */
export function hessian(t, x, y) {
  const u = y - floor(t, x), slope = t.q + 2 * t.r * x;
  return [t.steep * (slope * slope - 2 * t.r * u) + t.flat, -t.steep * slope, t.steep];
}

/** The point after some steps of gradient descent. @param {Valley} t @param {number} x @param {number} y @param {number} rate @param {number} [steps] @returns {Point} */
export function adapt(t, x, y, rate, steps = 1) {
  for (let k = 0; k < steps; k++) {
    const [gx, gy] = gradient(t, x, y);
    [x, y] = [x - rate * gx, y - rate * gy];
  }
  return [x, y];
}

/** What joint training descends. @param {number} x @param {number} y */
export const joint = (x, y) => (loss(PAIR[0], x, y) + loss(PAIR[1], x, y)) / 2;

/** What MAML descends. @param {number} x @param {number} y @param {number} rate */
export const after = (x, y, rate) => (loss(PAIR[0], ...adapt(PAIR[0], x, y, rate)) + loss(PAIR[1], ...adapt(PAIR[1], x, y, rate))) / 2;

/** Minus a method's meta-gradient. @param {string} method @param {number} x @param {number} y @param {number} rate @param {number} inner @returns {Point} */
export function move(method, x, y, rate, inner) {
  let sx = 0, sy = 0;
  for (const t of PAIR) {
    let gx, gy;
    if (method === "reptile") {
      const [px, py] = adapt(t, x, y, rate, inner);
      [gx, gy] = [(x - px) / (inner * rate), (y - py) / (inner * rate)];
    } else if (method === "joint") [gx, gy] = gradient(t, x, y);
    else {
      [gx, gy] = gradient(t, ...adapt(t, x, y, rate));
      if (method === "maml") { // times I - rate H at the start
        const [xx, xy, yy] = hessian(t, x, y);
        [gx, gy] = [gx - rate * (xx * gx + xy * gy), gy - rate * (xy * gx + yy * gy)];
      }
    }
    sx += gx;
    sy += gy;
  }
  return [-sx / 2, -sy / 2];
}

/** The start after 0, 1, ... meta-steps; fewer when it runs away. @param {string} method @param {number} x @param {number} y @param {number} rate @param {number} inner @param {number} steps @returns {Point[]} */
export function walk(method, x, y, rate, inner, steps) {
  /** @type {Point[]} */
  const path = [[x, y]];
  for (let k = 0; k < steps; k++) {
    const [dx, dy] = move(method, x, y, rate, inner);
    [x, y] = [x + META_RATE * dx, y + META_RATE * dy];
    if (!(Math.abs(x) <= FAR && Math.abs(y) <= FAR)) break;
    path.push([x, y]);
  }
  return path;
}

/** Joint training's best start. @type {Point} */
export const BEST = /** @type {Point} */ (walk("joint", 0, 0, 0.1, 1, 2000).at(-1));

/** The joint loss in units of its minimum where one step leads far enough below; else 0. @param {number} x @param {number} y @param {number} rate */
export const score = (x, y, rate) => (after(x, y, rate) <= LIKED * after(...BEST, rate) ? joint(x, y) / joint(...BEST) : 0);

const earned = (x, y, rate) => STARS.filter((limit) => score(x, y, rate) >= limit).length;

/** Degrees between two arrows. @param {Point} a @param {Point} b */
export function angle(a, b) {
  if (!Math.hypot(...a) || !Math.hypot(...b)) return 0;
  return (Math.abs(Math.atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1])) * 180) / Math.PI;
}

// ---- the recorded pictures

const WORDS = {
  before: "before meta-training", after: "after meta-training",
  filter: "filter-normalised directions", raw: "raw directions", rescaled: "raw directions, layers rescaled",
  points: "the plane of start, adapted and jointly trained", path: "the plane of the path",
  random: "the random start", joint: "joint training", maml: "MAML", fomaml: "FOMAML", reptile: "Reptile",
};
const word = (name) => WORDS[name] ?? name;
const SHORT = { before: "before", after: "after", filter: "filter-normalised", raw: "raw", rescaled: "raw, layers rescaled", points: "start, adapted, joint", path: "of the path", random: "random start", joint: "joint" };
const AXES = { points: ["towards adapted", "towards jointly trained"], path: ["along step 1", "towards adapted"] };
const NOTE = {
  filter: "Two random directions; every filter moves by its own length, biases stay. Before and after have one scale.",
  raw: "Two random directions as they were drawn, stretched to the same length as the filter-normalised ones.",
  rescaled: "The same function, written otherwise: one layer larger, the next smaller. Only the picture changed. Along filter-normalised directions it would not.",
  path: "The plane through the start, its first step and its last. Both axes have one scale.",
};

/** Where the tables of the chosen picture begin, and readers for them. @param {any} state */
export function reader(state) {
  const { points: n, steps } = state, many = state.methods.length, [S, P] = [state.starts.length, state.planes.length];
  const task = state.tasks.indexOf(state.task), plane = state.planes.indexOf(state.plane);
  const at = (task * S + state.starts.indexOf(state.start)) * P + plane;
  const frame = Array.from(state.frames.subarray(5 * at, 5 * at + 5)), [a, b, c, d, unit] = frame;
  return {
    frame, width: Math.max(b - a, d - c) * unit,
    table: state.tables.subarray(at * n * n, (at + 1) * n * n),
    /** Coordinates and the distance to the plane. */
    place: (m, k) => state.paths.subarray(((at * many + m) * (steps + 1) + k) * 3, ((at * many + m) * (steps + 1) + k) * 3 + 3),
    /** Support loss, query loss, top eigenvalue. */
    score: (m, k, what) => state.scores[((task * many + m) * (steps + 1) + k) * 3 + what],
    /** Lowest and highest loss of this plane over all starts: they share one scale of colours. */
    range() {
      let low = Infinity, high = 0;
      for (let s = 0; s < S; s++) {
        const from = ((task * S + s) * P + plane) * n * n;
        for (let k = from; k < from + n * n; k++) { low = Math.min(low, state.tables[k]); high = Math.max(high, state.tables[k]); }
      }
      return [Math.max(low, high * 1e-5), high];
    },
  };
}

/** @param {any} state @returns {string} */
export function summary(state) {
  return state.scene === "network" ? ofNetwork(state) : ofTasks(state);
}

function ofNetwork(state) {
  const { table, width, place, score: of } = reader(state), { step, steps } = state;
  const parts = state.methods.map((method, m) => {
    const off = place(m, step)[2];
    const where = (off < 1e-3 * width ? "on the plane" : `${sig(off)} off the plane`) + (off <= width ? "" : ", not drawn");
    return `${word(method)} has query loss ${sig(of(m, step, 1))} (${where})`;
  });
  return `${state.task}, ${word(state.start)}, ${word(state.plane)}: support loss ${sig(table.reduce((a, b) => Math.min(a, b)))} to ${sig(table.reduce((a, b) => Math.max(a, b)))} in the picture. `
    + `After ${step} of ${steps} steps: ${parts.join("; ")}. The picture is ${sig(width)} wide.`;
}

function ofTasks({ theta: [x, y], rate, inner, meta }) {
  const here = joint(x, y), then = after(x, y, rate), times = here / joint(...BEST), share = then / after(...BEST, rate);
  const arrow = Object.fromEntries(RULES.map((m) => [m, move(m, x, y, rate, inner)]));
  const turned = RULES.slice(1).map((m) => `${word(m)}'s by ${sig(angle(arrow.joint, arrow[m]))}`).join(", ");
  let text = `Start (${sig(x, 3)}, ${sig(y, 3)}): mean loss ${sig(here)}, ${sig(times)} times its minimum; ${sig(then)} after one step at rate ${sig(rate, 3)}, `
    + `${sig(share)} times as much as from joint training's best start. Against joint training's arrow, ${turned} degrees.`;
  if (meta) {
    const found = RULES.map((m) => {
      const path = walk(m, x, y, rate, inner, meta);
      return path.length > meta ? `${sig(after(.../** @type {Point} */ (path.at(-1)), rate))} for ${word(m)}` : `none for ${word(m)}, which runs away`;
    });
    text += ` Loss after one step when ${meta} meta-steps are made: ${found.join(", ")}.`;
  }
  return text + (earned(x, y, rate) ? ` ${"★".repeat(earned(x, y, rate))}` : "");
}

// ---- drawing

/** From low losses to high, the same in every theme: lightness falls all the way. RAMP in __init__.py has the same. */
export const RAMP = ["#fffdf0", "#fbeeb0", "#e3cf7c", "#b9ab78", "#8a8a80", "#5a6480", "#2c4172", "#0b2350"];
const TONES = Array.from({ length: 256 }, (_, k) => {
  const place = (k / 255) * (RAMP.length - 1), i = Math.min(Math.floor(place), RAMP.length - 2);
  const [one, two] = [RAMP[i], RAMP[i + 1]].map((hex) => [1, 3, 5].map((c) => parseInt(hex.slice(c, c + 2), 16)));
  return one.map((v, c) => Math.round(v + (place - i) * (two[c] - v)));
});
const PACKED = Uint32Array.from(TONES, ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0);

const LOOK = {
  random: { hue: "fg", width: 1.5, dash: "" }, joint: { hue: "baseline", width: 2.5, dash: "7 5" }, maml: { hue: "maml", width: 3, dash: "" },
  fomaml: { hue: "fomaml", width: 3, dash: "9 4 2 4" }, reptile: { hue: "reptile", width: 4, dash: "0.1 7" },
};
const look = (method) => LOOK[method] ?? { hue: "lstm", width: 2.5, dash: "" };
const dashed = ({ dash }) => (dash ? `stroke-dasharray="${dash}" stroke-linecap="${dash.startsWith("0") ? "round" : "butt"}"` : "");

/** 1, 2, 5, 10, ... between two losses. */
const levels = (low, high) => Array.from({ length: 75 }, (_, k) => [1, 2, 5][k % 3] * 10 ** (Math.floor(k / 3) - 12)).filter((v) => v > low && v < high);

const LEFT = 46, BOTTOM = 42, EDGE = 10; // the margins of a map with axes
const TALL = 430, UNDER = 40, BESIDE = 92; // of a picture with its scale of colours (view.css says it too); of that scale under the map, and beside it

/** @typedef {{x: number, wide: number, tall: number, below: number, beside: boolean, height: number}} Box  of a map in its picture, in pixels */

/**
 * Where a map of some ratio stands in a picture: its scale of colours is under it, or beside it where that leaves it larger.
 * @param {number} width @param {{ratio: number, left: number, bottom: number, tallest: number}} map  `left`, `bottom`: for axes
 * @returns {Box}
 */
function fit(width, { ratio, left, bottom, tallest }) {
  const edge = left ? EDGE : 0, under = Math.min(width - left - edge, (tallest - UNDER - bottom) / ratio);
  const besides = Math.min(width - left - BESIDE, (tallest - bottom) / ratio), beside = besides > under;
  const wide = Math.floor(Math.max(under, besides)), tall = Math.round(wide * ratio);
  const spare = width - left - wide - (beside ? BESIDE : edge);
  return { x: left + Math.floor(spare / 2), wide, tall, below: tall + bottom, beside, height: tall + bottom + (beside ? 0 : UNDER) };
}

/** Markup of a scale of colours, by ratio from `low` to `high`, with losses at it. @param {string} text @param {Box} box @param {number} low @param {number} high */
function colourScale(text, { x, wide, tall, below, beside }, low, high) {
  const part = (v) => Math.log(v / low) / Math.log(high / low), all = levels(low * 0.999, high * 1.001);
  const start = x + long(text) + 12, size = beside ? tall - 36 : x + wide - 22 - start, room = size / (beside ? 24 : 46);
  const kept = all.length <= room ? all : all.filter((v) => String(v.toExponential()).startsWith("1"));
  const some = kept.filter((_, k) => k % Math.ceil(kept.length / room) === 0);
  /** 64 bands from (a, b) on, each overlapped by the next, so that nothing shines through between them. */
  const bar = (a, b) => Array.from({ length: 64 }, (_, k) => {
    const from = (k * size) / 64, rest = size - from, fill = `rgb(${TONES[Math.round((255 * (k + 0.5)) / 64)].join(" ")})`;
    return `<rect x="${(beside ? a : a + from).toFixed(1)}" y="${b}" width="${beside ? 14 : rest.toFixed(1)}" height="${beside ? rest.toFixed(1) : 12}" fill="${fill}"/>`;
  }).join("") + `<rect class="mlx-land-bar" x="${a}" y="${b}" width="${beside ? 14 : size.toFixed(1)}" height="${beside ? size.toFixed(1) : 12}"/>`;
  const name = (a, b) => `<text x="${a}" y="${b}">${text}</text>`;
  if (beside) {
    const a = x + wide + 12, y = (v) => tall - 10 - part(v) * size;
    return `<g aria-hidden="true">${bar(a, tall - 10 - size)}${name(a, 16)}`
      + some.map((v) => `<path class="mlx-land-tick" d="M${a + 14} ${y(v).toFixed(1)}h5"/><text x="${a + 23}" y="${(y(v) + 5).toFixed(1)}">${sig(v)}</text>`).join("") + "</g>";
  }
  const at = (v) => start + part(v) * size;
  return `<g aria-hidden="true">${bar(start, below + 8)}${name(x, below + 19)}`
    + some.map((v) => `<path class="mlx-land-tick" d="M${at(v).toFixed(1)} ${below + 20}v4"/><text text-anchor="middle" x="${at(v).toFixed(1)}" y="${below + 37}">${sig(v)}</text>`).join("") + "</g>";
}

/** Markup that is cut off at the edges of a map. @param {Box} box @param {string} markup */
const within = ({ x, wide, tall }, markup) => `<svg class="mlx-land-paper" x="${x}" y="0" width="${wide}" height="${tall}" viewBox="${x} 0 ${wide} ${tall}">${markup}</svg>`;

const dot = ([x, y], r, fill = "var(--hue)") => `<circle class="mlx-land-dot" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}" style="fill: ${fill}"/>`;

/** A path as far as it is walked: a dot for each step, light to dark, and its head; on a casing of the page's colour.
 * @param {Point[]} path @param {Point[]} spots @param {string} method @param {number} [opacity] */
function trail(path, spots, method, opacity = 1) {
  const style = look(method), d = line(path);
  const mix = (k) => `color-mix(in srgb, var(--hue) ${Math.round(15 + (85 * k) / Math.max(spots.length - 1, 1))}%, var(--bg))`;
  return `<g style="--hue: var(--${style.hue})" opacity="${opacity}"><path class="mlx-land-casing" stroke-width="${style.width + 3}" d="${d}"/>`
    + `<path class="mlx-land-trail" stroke-width="${style.width}" ${dashed(style)} d="${d}"/>`
    + spots.map((spot, k) => dot(spot, 3.5, mix(k))).join("") + dot(path[path.length - 1], 5.5) + "</g>";
}

/** Where a path was when a drag began. @param {Point[]} path @param {string} method */
const shadow = (path, method) => `<g class="mlx-ghost" style="--hue: var(--${look(method).hue})"><path class="mlx-land-trail" stroke-width="${look(method).width}" d="${line(path)}"/>${dot(path[path.length - 1], 5.5, "none")}</g>`;

/** Paint a function of [0, 1] x [0, 1] (second argument upwards) with values in [0, 1] over a canvas. */
function paint(canvas, columns, rows, f) {
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const pen = canvas.getContext("2d"), image = pen.createImageData(columns, rows), data = new Uint32Array(image.data.buffer);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++)
    data[r * columns + c] = PACKED[Math.round(255 * clamp(f((c + 0.5) / columns, 1 - (r + 0.5) / rows), 0, 1))];
  pen.putImageData(image, 0, 0);
}

const lay = (node, left, top, width, height) => Object.assign(node.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });

/** A table with a row for each method. @param {{heads: string[], rows: {hue: string, name: (Node|string)[], cells: HTMLElement[]}[]}} spec */
function sheetOf({ heads, rows }) {
  const caption = h("caption"), lines = rows.map(({ hue, name, cells }) => h("tr", { style: `--hue: var(--${hue})` }, h("th", { scope: "row" }, ...name), ...cells));
  const node = h("table", { class: "mlx-land-table" }, caption, h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...lines));
  return { node, caption, lines };
}

const KEYS = ["scene", "task", "start", "plane", "view", "step", "turn", "tilt", "theta", "rate", "inner", "meta", "ground"];
const FIXED = ["tasks", "starts", "planes", "methods", "points", "steps"], TABLES = ["tables", "frames", "paths", "scores"];
const STRIDE = 5; // meta-steps that one step of the slider makes

function render(host) {
  return explorer(host, { title: "The loss around a start, and where steps lead on it", watch: KEYS }, (view) => {
    const { root, get, set, guard, was, kept } = view;
    const fixed = { ...Object.fromEntries(FIXED.map((key) => [key, get(key)])), ...Object.fromEntries(TABLES.map((key) => [key, floats(get(key))])) };
    /** @returns {any} */
    const state = () => ({ ...fixed, ...Object.fromEntries(KEYS.map((key) => [key, get(key)])) });
    const pick = (key, label, options, quiet = false) => choice({ label, options, quiet, get: () => get(key), set: (value) => set({ [key]: value }) });
    const knob = (key, label, hue, spec) => slider({ label, hue, get: () => get(key), set: (x) => set({ [key]: x }), ...spec });
    const which = pick("scene", "Picture", [{ value: "network", text: "A network" }, { value: "tasks", text: "Two tasks" }], true);
    /** The frame of a scene: it remembers a panel of its own. A picture over an open panel is lower. */
    const stage = (name, parts) => {
      const node = h("div");
      return { node, ...layout({ ...view, root: node, kept: (kept[name] ??= {}) }, parts) };
    };
    const tallest = (panels) => (panels?.open() && root.clientWidth < 786 ? 270 : TALL);
    /** Where a drag began, if what it moved is seen in this scene. */
    const before = (now, keys, same) => { const then = was(); return then && same.every((key) => then[key] === now[key]) && keys.some((key) => String(then[key]) !== String(now[key])) ? then : null; };
    const parts = [...(fixed.tasks.length ? [network()] : []), twoTasks()];
    /** Only the scene that is seen stands in the page, and with it the choice between them, which keeps the focus. */
    function enter(part) {
      if (part.node.isConnected) return;
      const chosen = which.node.contains(/** @type {any} */ (root.getRootNode()).activeElement);
      root.replaceChildren(part.node);
      if (parts.length > 1) part.node.querySelector(".mlx-controls").prepend(which.node);
      if (chosen) which.node.querySelector(`[value=${part.name}]`).focus();
    }

    /** The recorded pictures: a plane with its paths, the query losses, and what each method has at this step. */
    function network() {
      const { methods, steps, points: n } = fixed, own = methods.map((method) => look(method).hue);
      const canvas = h("canvas", { "aria-hidden": "true" }), map = () => ({ ratio: 1, tallest: tallest(panels), ...(get("view") === "3-D" ? { left: 0, bottom: 0 } : { left: LEFT, bottom: BOTTOM }) });
      const over = plot({ label: "The loss on the plane, with the adaptation paths", ratio: (width) => fit(width, map()).height / width });
      const hand = h("div", { class: "mlx-land-hand", role: "slider", tabindex: 0, "aria-label": "Turn the surface", "aria-valuemin": -180, "aria-valuemax": 180 });
      const curve = plot({ label: "Query loss after each inner step", ratio: (width) => clamp(180 / width, 0.4, 0.9) });
      const note = h("p", { class: "mlx-land-note" });
      let drawn = "", logs = new Float64Array(n * n), range = [1, 10], base = 0, slope = 1;

      const turn = (turned, tilted) => set({ turn: Number(((((turned + 180) % 360) + 360) % 360 - 180).toFixed(1)), tilt: Number(clamp(tilted, 10, 85).toFixed(1)) });
      hand.addEventListener("pointerdown", guard((event) => { hand.setPointerCapture(event.pointerId); hand.focus(); event.preventDefault(); }));
      hand.addEventListener("pointermove", guard((event) => { if (hand.hasPointerCapture(event.pointerId)) turn(get("turn") + 0.5 * event.movementX, get("tilt") + 0.4 * event.movementY); }));
      hand.addEventListener("keydown", guard((event) => {
        const [a, b, far] = [get("turn"), get("tilt"), event.shiftKey ? 10 : 1];
        const to = { ArrowLeft: [a - 2 * far, b], ArrowRight: [a + 2 * far, b], ArrowUp: [a, b + far], ArrowDown: [a, b - far], Home: [-180, b], End: [179, b], PageUp: [a, 85], PageDown: [a, 10] }[event.key];
        if (!to) return;
        event.preventDefault();
        turn(...to);
      }));

      /** The log loss at grid coordinates, between the points of the grid. */
      const height = (i, j) => {
        const a = clamp(Math.floor(i), 0, n - 2), b = clamp(Math.floor(j), 0, n - 2), u = i - a, v = j - b, k = a * n + b;
        return (1 - u) * ((1 - v) * logs[k] + v * logs[k + 1]) + u * ((1 - v) * logs[k + n] + v * logs[k + n + 1]);
      };
      const share = (value) => clamp((value - base) * slope, 0, 1);
      const surface = (u, v) => share(height(u * (n - 1), v * (n - 1)));

      /** The surface from one side, far cells first. @returns a function from (0 to 1, 0 to 1, 0 to 1) to pixels */
      function solid(now, box, key) {
        const { x: left, wide: size } = box;
        const [s, c] = [Math.sin((now.turn * Math.PI) / 180), Math.cos((now.turn * Math.PI) / 180)], [e, f] = [Math.sin((now.tilt * Math.PI) / 180), Math.cos((now.tilt * Math.PI) / 180)];
        const tall = 1.15, S = size * Math.min(0.335, 0.93 / (tall * f + 2.83 * e)), mid = size * 0.5 + 0.5 * S * tall * f; // it fits at every angle
        const project = (u, v, z) => {
          const p = 2 * u - 1, q = 2 * v - 1;
          return [left + size / 2 + S * (p * c - q * s), mid - S * (tall * z * f + (p * s + q * c) * e)];
        };
        if (key !== drawn) {
          drawn = key;
          const sharp = Math.min(devicePixelRatio || 1, 2), pen = canvas.getContext("2d");
          [canvas.width, canvas.height] = [size * sharp, size * sharp];
          lay(canvas, left, 0, size, size);
          pen.setTransform(sharp, 0, 0, sharp, -left * sharp, 0);
          pen.lineWidth = 0.6;
          pen.lineJoin = "round";
          pen.strokeStyle = "rgb(128 128 128 / 0.55)"; // seen on low ground and on high, on a light page and on a dark one
          const xy = new Float32Array(2 * n * n);
          for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) xy.set(project(i / (n - 1), j / (n - 1), share(logs[i * n + j])), 2 * (i * n + j));
          const order = (toward) => Array.from({ length: n - 1 }, (_, k) => (toward > 0 ? n - 2 - k : k)); // the far end first
          for (const i of order(s)) for (const j of order(c)) {
            const k = i * n + j, [r, g, b] = TONES[Math.round(255 * share((logs[k] + logs[k + 1] + logs[k + n] + logs[k + n + 1]) / 4))];
            pen.fillStyle = `rgb(${r} ${g} ${b})`;
            pen.beginPath();
            for (const m of [k, k + 1, k + n + 1, k + n]) pen.lineTo(xy[2 * m], xy[2 * m + 1]);
            pen.closePath();
            pen.fill();
            pen.stroke();
          }
          over.back.innerHTML = ground(project, now, box) + `<text x="${left + 6}" y="16">drag to turn</text>` + colourScale("support loss", box, ...range);
        }
        return project;
      }

      function flat(now, box, key, [a, b, c, d]) {
        const { x: left, wide } = box, x = scale(a, b, left, left + wide), y = scale(c, d, wide, 0), [one, two] = AXES[now.plane] ?? ["first direction", "second direction"];
        if (key !== drawn) {
          drawn = key;
          lay(canvas, left, 0, wide, wide);
          paint(canvas, 150, 150, surface);
          const place = (p) => clamp(p / wide, 0, 1) * (n - 1), edges = contours((px, py) => height(place(px), n - 1 - place(py)), wide, wide, levels(...range).map(Math.log), 6);
          const inside = (ends) => ticks(...ends, 5).filter((v) => Math.min(v - ends[0], ends[1] - v) > 0.04 * (ends[1] - ends[0])); // none is cut off
          over.back.innerHTML = within(box, `<path class="mlx-land-lines" transform="translate(${left} 0)" d="${edges}"/>${named(left + 8, 20, `↑ ${two}`, "fg")}`)
            + `<g class="mlx-land-bare">${axes({ x, y, xs: ticks(a, b, 4), ys: inside([c, d]), left, right: left + wide, bottom: wide, xLabel: `${one} →` })}</g>`
            + colourScale("support loss", box, ...range);
        }
        return (u, v) => [left + u * wide, (1 - v) * wide];
      }

      /** What of a method's path is seen until the real step `t`: its corners, and the way between them along the surface. */
      function way(now, at, m, t, project) {
        const { frame: [a, b, c, d], width, place } = at, many = now.view === "3-D" ? 8 : 1;
        const corner = (k) => {
          const [p, q, off] = place(m, k), uv = [(p - a) / (b - a), (q - c) / (d - c)];
          const up = share(Math.log(at.score(m, k, 0)));
          return { uv, off, up, seen: off <= width && uv.every((v) => v >= 0 && v <= 1), high: many > 1 ? up - surface(uv[0], uv[1]) : 0 };
        };
        const all = Array.from({ length: Math.min(Math.ceil(t), steps) + 1 }, (_, k) => corner(k)), last = Math.floor(t);
        const corners = all.slice(0, last + 1).filter(({ seen }) => seen), next = all[last + 1];
        if (!corners.length) return null;
        const point = ({ uv: [u, v], high }, { uv: [p, q], high: other }, part) => {
          const [x, y] = [u + part * (p - u), v + part * (q - v)];
          return project(x, y, many > 1 ? clamp(surface(x, y) + high + part * (other - high), 0, 1) : 0);
        };
        const path = [point(corners[0], corners[0], 0)];
        const go = (one, two, part) => { for (let k = 1; k <= many; k++) path.push(point(one, two, (part * k) / many)); };
        corners.slice(1).forEach((to, k) => go(corners[k], to, 1));
        if (t > last && next?.seen && all[last].seen) go(all[last], next, t - last);
        return { path, spots: corners.map((one) => point(one, one, 0)), corners, off: corners[corners.length - 1].off };
      }

      function land(now, box, t) {
        const at = reader(now), { frame, width } = at, isSolid = now.view === "3-D";
        const key = [now.task, now.start, now.plane, now.view, box.x, box.wide, box.beside, ...(isSolid ? [now.turn, now.tilt] : [])].join();
        if (key !== drawn) {
          for (let k = 0; k < n * n; k++) logs[k] = Math.log(at.table[k]);
          range = at.range();
          base = Math.log(range[0]);
          slope = 1 / (Math.log(range[1]) - base);
        }
        const project = isSolid ? solid(now, box, key) : flat(now, box, key, frame), then = before(now, ["step"], ["scene", "task", "start", "plane"]);
        const ways = methods.map((_, m) => way(now, at, m, t, project)), names = [];
        let marks = "";
        if (then) methods.forEach((method, m) => { const old = way(now, at, m, then.step, project); if (old) marks += shadow(old.path, method); });
        ways.forEach((seen, m) => {
          if (!seen) return;
          const { path, spots, corners, off } = seen;
          if (isSolid) marks += corners.map(({ uv: [u, v] }, k) => { // a thread from each point to its place on the surface
            const [x, y] = project(u, v, surface(u, v));
            return Math.abs(spots[k][1] - y) > 3 ? `<path class="mlx-land-floor" opacity="0.5" stroke-dasharray="2 2" d="M${spots[k][0].toFixed(1)} ${spots[k][1].toFixed(1)}L${x.toFixed(1)} ${y.toFixed(1)}"/>` : "";
          }).join("");
          marks += trail(path, spots, methods[m], off < 0.1 * width ? 1 : 0.55);
          names.push({ at: path[path.length - 1], text: (SHORT[methods[m]] ?? word(methods[m])) + (off < 1e-3 * width ? "" : `, ${sig(off)} off`), hue: own[m] });
        });
        const said = labels(names, { width: box.x + box.wide, height: box.tall, left: box.x, lines: ways.filter(Boolean).map(({ path }) => path),
          boxes: isSolid ? [[box.x, 0, box.x + long("drag to turn") + 8, 22]] : [[box.x, 0, box.x + long(`↑ ${(AXES[now.plane] ?? ["", "second direction"])[1]}`) + 12, 26]] });
        over.front.innerHTML = isSolid ? marks + said : within(box, marks + said);
        hand.hidden = !isSolid;
        lay(hand, box.x, 0, box.wide, box.tall);
        hand.setAttribute("aria-valuenow", now.turn);
        hand.setAttribute("aria-valuetext", `turned ${sig(now.turn, 3)}, tilted ${sig(now.tilt, 3)} degrees`);
      }

      /** The names of the axes at the near edges of the base. */
      function ground(project, now, { x: left, wide: size }) {
        const corner = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([u, v]) => project(u, v, 0)), [one, two] = AXES[now.plane] ?? ["first direction", "second direction"];
        const pairs = [[0, 1, one], [2, 3, one], [1, 2, two], [3, 0, two]].map(([i, j, text]) => ({ x: (corner[i][0] + corner[j][0]) / 2, y: (corner[i][1] + corner[j][1]) / 2, text }));
        const near = (two_) => two_.reduce((p, q) => (q.y > p.y ? q : p));
        const low = [0, 1, 2, 3].reduce((p, q) => (corner[q][1] > corner[p][1] ? q : p)); // its two edges hide nothing
        return `<path class="mlx-land-floor" d="${line([corner[(low + 3) % 4], corner[low], corner[(low + 1) % 4]])}"/>` + [near(pairs.slice(0, 2)), near(pairs.slice(2))].map(({ x, y, text }) => {
          const half = long(text) / 2, out = x < left + size / 2 ? -1 : 1;
          return named(clamp(x + out * (half * 0.6 + 8), left + half + 4, left + size - half - 4), clamp(y + 22, 14, size - 6), text, "fg", "middle");
        }).join("");
      }

      function losses(now, t) {
        const [width, tall] = curve.size(), { score: of } = reader(now), said = methods.map((method) => (SHORT[method] ?? word(method)).replace(" start", ""));
        const right = width - 12 - Math.max(...said.map(long)), bottom = tall - BOTTOM;
        const rows = methods.map((_, m) => Array.from({ length: steps + 1 }, (_, k) => Math.log10(of(m, k, 1)))), all = rows.flat();
        const low = Math.min(...all) - 0.08, high = Math.max(Math.max(...all) + 0.05, low + 0.5), x = scale(0, Math.max(steps, 1), LEFT, right), y = scale(low, high, bottom, 8);
        const marks = levels(10 ** low, 10 ** high), tens = high - low > 1.2 ? marks.filter((v) => String(v.toExponential()).startsWith("1")) : marks;
        const drawnRows = rows.map((row) => row.map((v, k) => /** @type {Point} */ ([x(k), y(v)])));
        const names = apart(drawnRows.map((row) => row[steps][1] + 5), 17, 14, bottom);
        curve.back.innerHTML = axes({ x, y, xs: ticks(0, Math.max(steps, 1), 5).filter(Number.isInteger), ys: tens.map(Math.log10), left: LEFT, right, bottom, xLabel: "inner step", yText: (v) => sig(10 ** v) })
          + `<path class="mlx-grid" stroke-dasharray="3 3" style="stroke: var(--soft)" d="M${x(t).toFixed(1)} 8V${bottom}"/>`;
        curve.front.innerHTML = drawnRows.map((row, m) => stroke(row, own[m], dashed(look(methods[m]))) + `<g style="--hue: var(--${own[m]})">${dot(along(row, t), 4)}</g>`).join("")
          + said.map((text, m) => named(right + 8, names[m], text, own[m])).join("");
      }

      const cells = methods.map(() => Array.from({ length: 4 }, () => h("td"))), sharp = fixed.scores.some((v, k) => k % 3 === 2 && !Number.isNaN(v));
      const table = sheetOf({ heads: ["from", "support loss", "query loss", ...(sharp ? ["top λ"] : []), "off the plane"],
        rows: methods.map((method, m) => ({ hue: own[m], name: [SHORT[method] ?? word(method)], cells: cells[m].filter((_, k) => sharp || k !== 2) })) });
      function sheet(now) {
        const { place, score: of, width } = reader(now);
        table.caption.textContent = `After ${now.step} of ${steps} steps. The picture is ${sig(width)} wide; a path farther off is not drawn (slanted).${sharp ? " λ: of the Hessian." : ""}`;
        cells.forEach((row, m) => {
          const off = place(m, now.step)[2], texts = [sig(of(m, now.step, 0)), sig(of(m, now.step, 1)), Number.isNaN(of(m, now.step, 2)) ? "–" : sig(of(m, now.step, 2)), off < 1e-3 * width ? "on it" : sig(off)];
          row.forEach((cell, k) => { cell.textContent = texts[k]; });
          table.lines[m].classList.toggle("mlx-land-away", off > width);
        });
      }

      function explain(now) {
        const { frame: [a, b, c, d] } = reader(now), ratio = Math.max((d - c) / (b - a), (b - a) / (d - c));
        const plane = now.plane === "points" ? `The plane through the start, its adapted and the jointly trained parameters. The axis ${AXES.points[b - a < d - c ? 0 : 1]} is drawn ${sig(ratio)} times as large as the other.` : (NOTE[now.plane] ?? "");
        note.textContent = `The support loss, which the inner loop descends: ${now.view === "3-D" ? "height and colour" : "colour"} by ratio, dark is high. A name says how far off this plane its point is. ${plane}`;
      }

      const one = (options) => options.length > 1;
      const play = player({ label: "Play", every: 500, guard, get: () => get("step"), set: (step) => set({ step }), last: () => (get("scene") === "network" ? steps : 0) });
      const scrub = knob("step", "inner steps", "maml", { min: 0, max: steps, show: (k) => `${k} of ${steps}` });
      const choices = [
        ...(one(fixed.tasks) ? [menu({ label: "Task", options: fixed.tasks.map((value) => ({ value, text: value })), get: () => get("task"), set: (task) => set({ task }) })] : []),
        ...(one(fixed.starts) ? [pick("start", fixed.starts.every((name) => WORDS[name]) ? "Meta-training" : "Around", fixed.starts.map((value) => ({ value, text: SHORT[value] ?? word(value) })))] : []),
        ...(one(fixed.planes) ? [pick("plane", "Directions", fixed.planes.map((value) => ({ value, text: SHORT[value] ?? word(value) })))] : []),
        pick("view", "View", [{ value: "contour", text: "contours" }, { value: "3-D", text: "3-D" }], true)];
      const panels = stage("network", { picture: [h("div", { class: "mlx-land-stack" }, over.node, canvas, hand)],
        controls: [...choices.map(({ node }) => node), h("div", { class: "mlx-row" }, play.node, scrub.node)],
        panels: [{ name: "Query loss", node: figure("Query loss: what counts, on or off the plane.", curve.node) }, { name: "Numbers", node: table.node }, { name: "This plane", node: note }] });
      return { node: panels.node, name: "network", draw(now) {
        const box = fit(over.size()[0], map()), t = play.at(); // what makes the browser lay out, before what changes it
        for (const control of [...choices, scrub, play]) control.draw();
        land(now, box, t);
        if (panels.open() === "Query loss") losses(now, t);
        if (panels.open() === "Numbers") sheet(now);
        if (panels.open() === "This plane") explain(now);
      } };
    }

    /** Two valleys, a start to drag, and the arrows of four methods. */
    function twoTasks() {
      const canvas = h("canvas", { "aria-hidden": "true" }), map = () => ({ ratio: 2 / 3, left: 0, bottom: 0, tallest: tallest(panels) });
      const over = plot({ label: "Two tasks, the shared start, and where each method would move it", ratio: (width) => fit(width, map()).height / width });
      let across = scale(0, 1, 0, 1), up = scale(0, 1, 0, 1), drawn = "", touched = false;
      const grip = handle({ svg: over.node, label: "The shared start", step: 0.02, guard, get: () => get("theta"), set: (theta) => { touched = true; set({ theta }); },
        toData: (x, y) => [across.back(x), up.back(y)], box: () => ({ x: BOX[0], y: BOX[1] }) });
      grip.node.classList.add("mlx-land-paper");
      over.back.addEventListener("click", (event) => { if (!event.target.closest(".mlx-land-paper")) event.stopPropagation(); }); // a press on the scale is none on the map
      over.node.append(grip.node);

      function background(now, box) {
        const { x: left, wide, tall } = box, f = now.ground === "joint" ? joint : (x, y) => after(x, y, now.rate), key = [now.ground, now.ground === "joint" || now.rate, left, wide, box.beside].join();
        if (key === drawn) return;
        drawn = key;
        lay(canvas, left, 0, wide, tall);
        const low = Math.log(0.1), high = Math.log(30);
        paint(canvas, 120, 80, (u, v) => (Math.log(f(BOX[0][0] + u * (BOX[0][1] - BOX[0][0]), BOX[1][0] + v * (BOX[1][1] - BOX[1][0]))) - low) / (high - low));
        const xs = Array.from({ length: 41 }, (_, k) => -2.5 + k / 8), tick = (x, y, text, anchor) => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" class="mlx-land-mark">${text}</text>`;
        over.back.innerHTML = within(box, `<path class="mlx-land-lines" transform="translate(${left} 0)" d="${contours((x, y) => Math.log(f(across.back(x + left), up.back(y))), wide, tall, levels(0.005, 300).map(Math.log), Math.max(wide / 64, 5))}"/>`
          + Object.entries(TASKS).map(([name, t]) => {
            const [x, y] = pixels([[t.low, floor(t, t.low)]])[0];
            return `<path class="mlx-land-floor" d="${line(xs.map((v) => [across(v), up(floor(t, v))]))}"/><path d="M${x - 8} ${y}h16M${x} ${y - 8}v16" class="mlx-land-floor" stroke-width="3"/>` + tick(x + 8, y + BESIDES[name], `task ${name}`, "start");
          }).join("")
          + `<g aria-hidden="true">` + [-2, -1, 0, 1].map((v) => tick(across(v), tall - 6, v, "middle")).join("") + [-1, 0, 1].map((v) => tick(left + 6, up(v) + 4, v, "start")).join("") + tick(left + wide - 6, tall - 6, "θ₁", "end") + tick(left + 6, 16, "θ₂", "start") + "</g>")
          + colourScale("mean loss", box, 0.1, 30);
      }

      const pixels = (path) => path.map(([x, y]) => /** @type {Point} */ ([across(x), up(y)]));
      /** Each method's arrow at a start, from its tail to its tip, in pixels; null where it does not move. */
      function arrows({ theta: [x, y], rate, inner }, wide) {
        const all = RULES.map((m) => move(m, x, y, rate, inner)), longest = Math.max(...all.map((g) => Math.hypot(...g)), 1e-12), [px, py] = [across(x), up(y)];
        return all.map(([gx, gy]) => {
          const size = Math.hypot(gx, gy), far = (wide / 5) * Math.sqrt(size / longest);
          return size ? { from: [px, py], to: [px + (far * gx) / size, py - (far * gy) / size], unit: [gx / size, -gy / size] } : null;
        });
      }

      function marks(now, box, t) {
        const { wide, tall } = box, [x, y] = now.theta, start = pixels([now.theta])[0], names = [], lines = [];
        const seen = ([a, b]) => a > box.x && a < box.x + wide && b > 0 && b < tall;
        let drawing = "";
        const then = before(now, ["theta", "rate", "inner", "meta"], ["scene"]);
        if (then) {
          drawing += `<g class="mlx-ghost">${arrows(then, wide).map((arrow, k) => (arrow ? `<path class="mlx-land-trail" style="--hue: var(--${look(RULES[k]).hue})" stroke-width="${look(RULES[k]).width}" d="${line([arrow.from, arrow.to])}"/>` : "")).join("")}`
            + `<circle cx="${across(then.theta[0]).toFixed(1)}" cy="${up(then.theta[1]).toFixed(1)}" r="8" fill="none" stroke="var(--fg)" stroke-width="2" stroke-dasharray="3 3"/></g>`;
          if (then.meta) for (const m of RULES) drawing += shadow(pixels(walk(m, ...then.theta, then.rate, then.inner, then.meta)), m);
        }
        if (t > 0) RULES.forEach((m) => {
          const path = until(pixels(walk(m, x, y, now.rate, now.inner, Math.ceil(t))), t), end = path[path.length - 1];
          drawing += trail(path, [], m, 0.9);
          lines.push(path.filter(seen));
          if (seen(end)) names.push({ at: end, text: word(m), hue: look(m).hue });
        });
        const phis = PAIR.map((task, k) => {
          const spots = pixels(Array.from({ length: now.inner + 1 }, (_, j) => adapt(task, x, y, now.rate, j))), phi = spots[1];
          drawing += `<g style="--hue: var(--reptile)"><path class="mlx-land-trail" stroke-width="1" d="${line(spots)}"/><path class="mlx-land-head" d="${dots(spots.slice(2), 2.5)}"/>${dot(spots[now.inner], 3.5)}</g>`
            + `<circle cx="${phi[0].toFixed(1)}" cy="${phi[1].toFixed(1)}" r="5" class="mlx-land-floor"/>`;
          return { at: phi, text: `φ ${"AB"[k]}`, hue: "fg" };
        });
        arrows(now, wide).forEach((arrow, k) => {
          if (!arrow) return;
          const { hue, width: thick } = look(RULES[k]), { to: [ex, ey], unit: [ux, uy] } = arrow, [bx, by] = [ex - 13 * ux, ey - 13 * uy], shaft = line([start, [bx, by]]);
          drawing += `<g style="--hue: var(--${hue})"><path class="mlx-land-casing" stroke-width="${thick + 3}" d="${shaft}"/><path class="mlx-land-trail" stroke-width="${thick}" ${dashed(look(RULES[k]))} d="${shaft}"/>`
            + `<path class="mlx-land-head" d="${line([[ex, ey], [bx - 7 * uy, by + 7 * ux], [bx + 7 * uy, by - 7 * ux]])}Z"/></g>`;
          lines.push([start, arrow.to]);
          if (!(t > 0)) names.push({ at: /** @type {Point} */ (arrow.to), text: word(RULES[k]), hue });
        });
        const here = [start[0] - 14, start[1] - 14, start[0] + 14, start[1] + 14];
        over.front.innerHTML = within(box, drawing + labels([...names, ...phis.filter(({ at }) => seen(at)), ...(touched ? [] : [{ at: start, text: "drag me", hue: "fg" }])],
          { width: box.x + wide, height: tall, left: box.x, bottom: 20, lines, boxes: [here, ...Object.entries(TASKS).map(([name, t]) => {
            const [a, b] = pixels([[t.low, floor(t, t.low)]])[0];
            return [a - 9, Math.min(b - 9, b + BESIDES[name] - 14), a + 10 + long(`task ${name}`), Math.max(b + 9, b + BESIDES[name] + 4)];
          })] }));
        grip.draw(...start);
      }

      const cells = RULES.map(() => Array.from({ length: 3 }, () => h("td"))), verdict = h("p");
      const rule = { joint: "∇L(θ)", maml: "(I − αH) ∇L(φ)", fomaml: "∇L(φ)", reptile: "(θ − φₖ) / kα" };
      const table = sheetOf({ heads: ["method", "turned", "mean loss", "after a step"],
        rows: RULES.map((m, k) => ({ hue: look(m).hue, name: [word(m), h("span", { class: "mlx-land-formula" }, rule[m])], cells: cells[k] })) });
      function sheet(now) {
        const [x, y] = now.theta, first = move("joint", x, y, now.rate, now.inner);
        table.caption.textContent = now.meta ? `Where each is after ${now.meta} meta-steps` : "Before the first meta-step";
        RULES.forEach((m, k) => {
          const path = walk(m, x, y, now.rate, now.inner, now.meta), end = path[path.length - 1], lost = path.length <= now.meta;
          [`${sig(angle(first, move(m, x, y, now.rate, now.inner)))}°`, lost ? "runs away" : sig(joint(...end)), lost ? "–" : sig(after(...end, now.rate))].forEach((text, c) => { cells[k][c].textContent = text; });
        });
      }
      function judge({ theta: [x, y], rate }) {
        const then = after(x, y, rate), limit = LIKED * after(...BEST, rate), points = score(x, y, rate), won = earned(x, y, rate);
        return points ? `One step leads to ${sig(then)}, and the mean loss here is ${sig(points)} times its minimum. ${"★".repeat(won)}${"☆".repeat(3 - won)}${won < 3 ? ` The next star is at ${STARS[won]} times.` : ""}`
          : `Not yet: one step leads to ${sig(then)}, and MAML likes ${sig(limit)} or less. ☆☆☆`;
      }

      const play = player({ label: "Play", every: 100, guard, get: () => get("meta") / STRIDE, set: (k) => set({ meta: Math.min(Math.round(STRIDE * k), 200) }), last: () => (get("scene") === "tasks" ? 200 / STRIDE : 0) });
      const controls = [
        pick("ground", "Colours: the mean loss", [{ value: "joint", text: "at θ" }, { value: "adapted", text: "after one inner step" }]),
        knob("rate", "inner rate α", "fg", { min: 0.01, max: 0.25, step: 0.01 }),
        knob("inner", "Reptile's inner steps k", "reptile", { min: 1, max: 10 })];
      const scrub = knob("meta", "meta-steps", "maml", { min: 0, max: 200, step: STRIDE });
      const panels = stage("tasks", {
        picture: [h("div", { class: "mlx-land-stack" }, over.node, canvas)],
        controls: [...controls.map(({ node }) => node), h("div", { class: "mlx-row" }, play.node, scrub.node)],
        panels: [{ name: "Numbers", node: h("div", {}, table.node, h("p", { class: "mlx-land-note" }, "Arrows: each method's step; turned: from joint training's. φ: after one inner step. Green dots: Reptile's.")) }, { name: "Your task", node: h("div", { class: "mlx-task" }, h("strong", {}, "Your task. "), "Find a start that MAML likes and joint training does not. MAML likes it when one inner step leads to at most half the loss it leads to from joint training's best start. "
          + "Joint training dislikes it the more, the higher the mean loss there is above its minimum. You may change the inner rate.", verdict) }] });
      return { node: panels.node, name: "tasks", draw(now) {
        const box = fit(over.size()[0], map()), t = STRIDE * play.at();
        for (const control of [...controls, scrub, play]) control.draw();
        across = scale(...BOX[0], box.x, box.x + box.wide);
        up = scale(...BOX[1], box.tall, 0);
        background(now, box);
        marks(now, box, t);
        if (panels.open() === "Numbers") sheet(now);
        if (panels.open() === "Your task") verdict.textContent = judge(now);
      } };
    }

    return {
      summary: () => summary(state()),
      draw() {
        const now = state();
        const part = parts.find(({ name }) => name === now.scene) ?? parts[0];
        enter(part);
        which.draw();
        part.draw(now);
      },
    };
  });
}

export default { render };
