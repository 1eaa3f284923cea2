// LossLandscape: the loss around a start before and after meta-training, and two tasks that pull one start about. The
// mathematics is __init__.py's and two_tasks.py's, operation by operation; a test compares them.
import { apart, axes, choice, clamp, contours, explorer, figure, floats, h, handle, line, named, player, plot, scale, sig, slider, ticks } from "../base/base.js";

/** @typedef {[number, number]} Point */
/** @typedef {{steep: number, flat: number, low: number, p: number, q: number, r: number}} Valley */

// ---- two tasks

export const BOX = [[-2.5, 2.5], [-5 / 3, 5 / 3]], FAR = 1e3, META_RATE = 0.1, STARS = [3, 10, 20], LIKED = 0.5;

/** @type {Record<string, Valley>} */
export const TASKS = {
  A: { steep: 3, flat: 0.35, low: -0.65, p: 1, q: -0.3, r: -0.25 },
  B: { steep: 6, flat: 0.65, low: 0.8, p: -0.6, q: 0.25, r: -0.35 },
};
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
const SHORT = { filter: "filter-normalised", raw: "raw", rescaled: "raw, layers rescaled", points: "start, adapted, joint", path: "of the path", random: "random start", joint: "joint" };
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

const LOOK = {
  random: { hue: "fg", width: 1.5, dash: "" }, joint: { hue: "baseline", width: 2.5, dash: "7 5" }, maml: { hue: "maml", width: 3, dash: "" },
  fomaml: { hue: "fomaml", width: 3, dash: "9 4 2 4" }, reptile: { hue: "reptile", width: 4, dash: "0.1 7" },
};
const look = (method) => LOOK[method] ?? { hue: "lstm", width: 2.5, dash: "" };
const dashed = ({ dash }) => (dash ? `stroke-dasharray="${dash}" stroke-linecap="${dash.startsWith("0") ? "round" : "butt"}"` : "");

/** 1, 2, 5, 10, ... between two losses. */
const levels = (low, high) => Array.from({ length: 75 }, (_, k) => [1, 2, 5][k % 3] * 10 ** (Math.floor(k / 3) - 12)).filter((v) => v > low && v < high);

/** A path with a dot for each step, light to dark, on a casing of the page's colour. */
function trail(points, method, opacity = 1, dots = true) {
  const style = look(method), d = line(points), hue = `--hue: var(--${style.hue})`;
  const mix = (k) => Math.round(15 + (85 * k) / Math.max(points.length - 1, 1));
  return `<g style="${hue}" opacity="${opacity.toFixed(2)}"><path class="mlx-land-casing" stroke-width="${style.width + 3}" d="${d}"/>`
    + `<path class="mlx-land-trail" stroke-width="${style.width}" ${dashed(style)} d="${d}"/>`
    + (dots ? points.map(([x, y], k) => `<circle class="mlx-land-dot" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${k === points.length - 1 ? 5.5 : 3.5}" style="fill: color-mix(in srgb, var(--hue) ${mix(k)}%, var(--bg))"/>`).join("") : "") + "</g>";
}

/** Names at points, moved apart until none covers another, inside a box.
 * @param {{x: number, y: number, text: string, hue: string, opacity?: number}[]} labels @param {[number, number, number, number]} box  left, right, top, bottom */
function tags(labels, [left, right, top, bottom], gap = 17) {
  const heights = apart(labels.map(({ y }) => clamp(y + 4, top + 14, bottom - 6)), gap, top + 14, bottom - 6);
  return labels.map(({ x, text, hue, opacity = 1 }, k) => {
    const at = heights[k];
    const long = [...text].reduce((sum, c) => sum + (/[A-Z]/.test(c) ? 11 : 8), 0), flip = x + 12 + long > right;
    return `<g opacity="${opacity}">${named(clamp(flip ? x - 12 : x + 12, left + (flip ? long : 4), right - (flip ? 4 : long)), at, text, hue, flip ? "end" : "start")}</g>`;
  }).join("");
}

/** The colours of the style sheet as 256 steps. They change with the theme: `read` says so by a new key. */
function ramp(redraw) {
  const stops = Array.from({ length: 8 }, (_, k) => h("i", { style: `color: var(--land-${k})` }));
  const node = h("div", { class: "mlx-land-probe", "aria-hidden": "true" }, ...stops);
  node.addEventListener("transitionend", redraw); // the theme has changed
  let key = "", rgb = new Uint8Array(768), packed = new Uint32Array(256);
  return { node, read() {
    const now = stops.map((stop) => getComputedStyle(stop).color).join();
    if (now !== key) {
      key = now;
      const parts = stops.map((stop) => (getComputedStyle(stop).color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number));
      for (let k = 0; k < 256; k++) {
        const p = (k / 255) * 7, i = Math.min(Math.floor(p), 6);
        for (let c = 0; c < 3; c++) rgb[3 * k + c] = Math.round(parts[i][c] + (p - i) * (parts[i + 1][c] - parts[i][c]));
        packed[k] = (255 << 24) | (rgb[3 * k + 2] << 16) | (rgb[3 * k + 1] << 8) | rgb[3 * k];
      }
    }
    return { key, rgb, packed };
  } };
}

/** A colour bar with losses at it. */
function colourBar(text) {
  const ends = h("div", { class: "mlx-land-bar", role: "img" });
  let drawn = "";
  return { node: ends, draw(low, high, wide) {
    const key = [low, high, wide].join();
    if (key === drawn) return;
    drawn = key;
    const place = (v) => (100 * Math.log(v / low)) / Math.log(high / low), all = levels(low * 0.999, high * 1.001), room = wide / 46;
    const kept = all.length <= room ? all : all.filter((v) => String(v.toExponential()).startsWith("1"));
    const some = kept.filter((_, k) => k % Math.ceil(kept.length / room) === 0);
    ends.replaceChildren(...some.map((v) => h("span", { style: `left: ${place(v).toFixed(1)}%` }, sig(v))));
    ends.setAttribute("aria-label", `${text}: colours from ${sig(low)} to ${sig(high)}, by ratio`);
  } };
}

/** Paint a function of [0, 1] x [0, 1] (second argument upwards) with values in [0, 1] over a canvas. */
function paint(canvas, columns, rows, colours, f) {
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const pen = canvas.getContext("2d"), image = pen.createImageData(columns, rows), data = new Uint32Array(image.data.buffer);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++)
    data[r * columns + c] = colours.packed[Math.round(255 * clamp(f((c + 0.5) / columns, 1 - (r + 0.5) / rows), 0, 1))];
  pen.putImageData(image, 0, 0);
}

const lay = (canvas, left, top, width, height) => Object.assign(canvas.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });

const KEYS = ["scene", "task", "start", "plane", "view", "step", "turn", "tilt", "theta", "rate", "inner", "meta", "ground"];
const FIXED = ["tasks", "starts", "planes", "methods", "points", "steps"], TABLES = ["tables", "frames", "paths", "scores"];
const LEFT = 46, BOTTOM = 42, EDGE = 10;

function render(host) {
  return explorer(host, { title: "The loss around a start, and where steps lead on it", watch: KEYS }, (view) => {
    const { root, get, set, guard } = view;
    const fixed = { ...Object.fromEntries(FIXED.map((key) => [key, get(key)])), ...Object.fromEntries(TABLES.map((key) => [key, floats(get(key))])) };
    /** @returns {any} */
    const state = () => ({ ...fixed, ...Object.fromEntries(KEYS.map((key) => [key, get(key)])) });
    const colours = ramp(view.redraw), pick = (key, label, options) => choice({ label, options, get: () => get(key), set: (value) => set({ [key]: value }) });
    const knob = (key, label, hue, spec) => slider({ label, hue, get: () => get(key), set: (x) => set({ [key]: x }), ...spec });
    const parts = [...(fixed.tasks.length ? [network()] : []), twoTasks()];
    const which = pick("scene", "Picture", [{ value: "network", text: "A network" }, { value: "tasks", text: "Two tasks" }]);
    root.append(colours.node, ...(parts.length > 1 ? [which.node] : []), ...parts.map(({ node }) => node));

    /** The recorded pictures: a plane with its paths, the query losses, and what each method has at this step. */
    function network() {
      const { methods, steps, points: n } = fixed, own = methods.map((method) => look(method).hue);
      const canvas = h("canvas", { "aria-hidden": "true" }), over = plot({ label: "The loss on the plane, with the adaptation paths", ratio: () => 1 });
      const hand = h("div", { class: "mlx-land-hand", role: "slider", tabindex: 0, "aria-label": "Turn the surface", "aria-valuemin": -180, "aria-valuemax": 180 });
      const curve = plot({ label: "Query loss after each inner step", ratio: (width) => (width > 380 ? 0.56 : 0.72) }), bar = colourBar("Support loss");
      const title = h("figcaption"), note = h("p", { class: "mlx-land-note" });
      let drawn = "", lines = "", logs = new Float64Array(n * n), range = [1, 10], base = 0, slope = 1, plotted = "";

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

      /** The surface from one side, far cells first. @returns a function from (0 to 1, 0 to 1, 0 to 1) to pixels */
      function solid(now, now_colours, size, key) {
        const [s, c] = [Math.sin((now.turn * Math.PI) / 180), Math.cos((now.turn * Math.PI) / 180)], [e, f] = [Math.sin((now.tilt * Math.PI) / 180), Math.cos((now.tilt * Math.PI) / 180)];
        const tall = 1.15, S = size * Math.min(0.335, 0.93 / (tall * f + 2.83 * e)), mid = size * 0.5 + 0.5 * S * tall * f; // it fits at every angle
        const project = (u, v, z) => {
          const p = 2 * u - 1, q = 2 * v - 1;
          return [size / 2 + S * (p * c - q * s), mid - S * (tall * z * f + (p * s + q * c) * e)];
        };
        if (key !== drawn) {
          drawn = key;
          const sharp = Math.min(devicePixelRatio || 1, 2), pen = canvas.getContext("2d");
          [canvas.width, canvas.height] = [size * sharp, size * sharp];
          lay(canvas, 0, 0, size, size);
          pen.setTransform(sharp, 0, 0, sharp, 0, 0);
          pen.lineWidth = 0.6;
          pen.lineJoin = "round";
          const xy = new Float32Array(2 * n * n);
          for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) xy.set(project(i / (n - 1), j / (n - 1), share(logs[i * n + j])), 2 * (i * n + j));
          const order = (toward) => Array.from({ length: n - 1 }, (_, k) => (toward > 0 ? n - 2 - k : k)); // the far end first
          for (const i of order(s)) for (const j of order(c)) {
            const k = i * n + j, colour = Math.round(255 * share((logs[k] + logs[k + 1] + logs[k + n] + logs[k + n + 1]) / 4)) * 3, { rgb } = now_colours;
            pen.fillStyle = `rgb(${rgb[colour]} ${rgb[colour + 1]} ${rgb[colour + 2]})`;
            pen.strokeStyle = `rgb(${rgb[colour] * 0.8} ${rgb[colour + 1] * 0.8} ${rgb[colour + 2] * 0.8})`;
            pen.beginPath();
            for (const m of [k, k + 1, k + n + 1, k + n]) pen.lineTo(xy[2 * m], xy[2 * m + 1]);
            pen.closePath();
            pen.fill();
            pen.stroke();
          }
        }
        return project;
      }

      function flat(now, now_colours, size, key, [a, b, c, d]) {
        const wide = size - LEFT - EDGE, x = scale(a, b, LEFT, size - EDGE), y = scale(c, d, size - BOTTOM, size - BOTTOM - wide);
        if (key !== drawn) {
          drawn = key;
          lay(canvas, LEFT, size - BOTTOM - wide, wide, wide);
          paint(canvas, 150, 150, now_colours, (u, v) => share(height(u * (n - 1), v * (n - 1))));
          const step = wide / (n - 1), f = (px, py) => logs[clamp(Math.round(px / step), 0, n - 1) * n + n - 1 - clamp(Math.round(py / step), 0, n - 1)];
          const d_ = contours(f, wide * (1 - 1e-9), wide * (1 - 1e-9), levels(...range).map(Math.log), step);
          lines = `<path class="mlx-land-lines" transform="translate(${LEFT} ${(size - BOTTOM - wide).toFixed(1)})" d="${d_}"/>`
            + `<g class="mlx-land-bare">${axes({ x, y, xs: ticks(a, b, 4), ys: ticks(c, d, 5), left: LEFT, right: size - EDGE, bottom: size - BOTTOM, xLabel: (AXES[now.plane] ?? ["first direction"])[0] })}</g>`
            + `<text class="mlx-land-mark" x="${LEFT + 6}" y="${size - BOTTOM - wide + 18}">↑ ${(AXES[now.plane] ?? ["", "second direction"])[1]}</text>`;
        }
        over.back.innerHTML = lines;
        return (u, v) => [LEFT + u * wide, size - BOTTOM - v * wide];
      }

      function land(now, size, tones) {
        const at = reader(now), { frame, width, place } = at, [a, b, c, d] = frame;
        const isSolid = now.view === "3-D", key = [now.task, now.start, now.plane, now.view, size, tones.key, ...(isSolid ? [now.turn, now.tilt] : [])].join();
        if (key !== drawn) {
          for (let k = 0; k < n * n; k++) logs[k] = Math.log(at.table[k]);
          range = at.range();
          base = Math.log(range[0]);
          slope = 1 / (Math.log(range[1]) - base);
        }
        const project = isSolid ? solid(now, tones, size, key) : flat(now, tones, size, key, frame), names = [];
        const unitOf = ([p, q]) => [(p - a) / (b - a), (q - c) / (d - c)], inside = ([u, v]) => u >= 0 && u <= 1 && v >= 0 && v <= 1;
        let marks = "";
        methods.forEach((method, m) => {
          const seen = Array.from({ length: now.step + 1 }, (_, k) => ({ uv: unitOf(place(m, k)), off: place(m, k)[2], up: share(Math.log(at.score(m, k, 0))) })).filter(({ uv, off }) => off <= width && inside(uv));
          if (!seen.length) return;
          const last = seen[seen.length - 1], opacity = last.off < 0.1 * width ? 1 : 0.55, points = seen.map(({ uv, up }) => project(...uv, up));
          if (isSolid) marks += seen.map(({ uv, up }, k) => { // a thread from each point to its place on the surface
            const [x, y] = project(...uv, share(height(uv[0] * (n - 1), uv[1] * (n - 1))));
            return Math.abs(points[k][1] - y) > 3 ? `<path class="mlx-land-floor" opacity="0.5" stroke-dasharray="2 2" d="M${points[k][0].toFixed(1)} ${points[k][1].toFixed(1)}L${x.toFixed(1)} ${y.toFixed(1)}"/>` : "";
          }).join("");
          marks += trail(points, method, opacity);
          const [x, y] = points[points.length - 1];
          names.push({ x, y, text: (SHORT[method] ?? word(method)) + (last.off < 1e-3 * width ? "" : `, ${sig(last.off)} off`), hue: own[m], opacity: last.off < 0.1 * width ? 1 : 0.8 });
        });
        if (isSolid) over.back.innerHTML = ground(project, now, size);
        over.front.innerHTML = marks + tags(names, isSolid ? [4, size - 4, 4, size - 8] : [LEFT, size - EDGE, 24, size - BOTTOM]);
        bar.draw(...range, size - 60);
        hand.hidden = !isSolid;
        hand.setAttribute("aria-valuenow", now.turn);
        hand.setAttribute("aria-valuetext", `turned ${sig(now.turn, 3)}, tilted ${sig(now.tilt, 3)} degrees`);
        title.textContent = isSolid ? "Drag to turn, or focus it and press the arrow keys. Height and colour: the support loss, by ratio." : "The support loss, which the inner loop descends. Labels say how far off this plane a point is.";
        const ratio = Math.max((d - c) / (b - a), (b - a) / (d - c));
        note.textContent = now.plane === "points" ? `The plane through the start, its adapted and the jointly trained parameters. The axis ${AXES.points[b - a < d - c ? 0 : 1]} is drawn ${sig(ratio)} times as large as the other.` : (NOTE[now.plane] ?? "");
      }

      /** The names of the axes at the near edges of the base. */
      function ground(project, now, size) {
        const corner = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([u, v]) => project(u, v, 0)), [one, two] = AXES[now.plane] ?? ["first direction", "second direction"];
        const pairs = [[0, 1, one], [2, 3, one], [1, 2, two], [3, 0, two]].map(([i, j, text]) => ({ x: (corner[i][0] + corner[j][0]) / 2, y: (corner[i][1] + corner[j][1]) / 2, text }));
        const near = (two_) => two_.reduce((p, q) => (q.y > p.y ? q : p));
        const low = [0, 1, 2, 3].reduce((p, q) => (corner[q][1] > corner[p][1] ? q : p)); // its two edges hide nothing
        return `<path class="mlx-land-floor" d="${line([corner[(low + 3) % 4], corner[low], corner[(low + 1) % 4]])}"/>` + [near(pairs.slice(0, 2)), near(pairs.slice(2))].map(({ x, y, text }) => {
          const half = 4.2 * text.length, out = x < size / 2 ? -1 : 1;
          return `<text class="mlx-land-mark" text-anchor="middle" x="${clamp(x + out * (half * 0.6 + 8), half + 4, size - half - 4).toFixed(1)}" y="${clamp(y + 22, 14, size - 6).toFixed(1)}">${text}</text>`;
        }).join("");
      }

      function losses(now, [width, tall]) {
        const right = width - 104, top = 12, bottom = tall - BOTTOM, { score: of } = reader(now);
        const x = scale(0, Math.max(steps, 1), LEFT, right);
        if (plotted !== [now.task, width].join()) {
          plotted = [now.task, width].join();
          const rows = methods.map((_, m) => Array.from({ length: steps + 1 }, (_, k) => of(m, k, 1))), all = rows.flat();
          const low = Math.log10(Math.min(...all)) - 0.08, high = Math.max(Math.log10(Math.max(...all)) + 0.05, low + 0.5), y = scale(low, high, bottom, top);
          const marks = levels(10 ** low, 10 ** high), tens = high - low > 1.2 ? marks.filter((v) => String(v.toExponential()).startsWith("1")) : marks;
          const drawnRows = rows.map((row) => row.map((v, k) => [x(k), y(Math.log10(v))]));
          const every = Array.from({ length: steps + 1 }, (_, k) => k).filter((k) => k % Math.ceil((steps * 30) / (right - LEFT)) === 0);
          curve.back.innerHTML = axes({ x, y, xs: every, ys: tens.map(Math.log10), left: LEFT, right, bottom, xLabel: "inner step", yText: (v) => sig(10 ** v) })
            + drawnRows.map((row, m) => `<path class="mlx-land-trail" style="--hue: var(--${own[m]})" stroke-width="${look(methods[m]).width}" ${dashed(look(methods[m]))} d="${line(row)}"/>`).join("")
            + tags(drawnRows.map((row, m) => ({ x: right - 6, y: row[row.length - 1][1], text: SHORT[methods[m]] ?? word(methods[m]), hue: own[m] })), [right, width - 2, top - 6, bottom + 8]);
        }
        curve.front.innerHTML = `<path class="mlx-land-floor" d="M${x(now.step).toFixed(1)} ${top}V${bottom}"/>`;
      }

      const cells = methods.map(() => Array.from({ length: 4 }, () => h("td"))), caption = h("caption"), sharp = fixed.scores.some((v, k) => k % 3 === 2 && !Number.isNaN(v));
      const rows = methods.map((method, m) => h("tr", { style: `--hue: var(--${own[m]})` }, h("th", { scope: "row" }, SHORT[method] ?? word(method)), ...cells[m].filter((_, k) => sharp || k !== 2)));
      const heads = ["from", "support loss", "query loss", ...(sharp ? ["top eigenvalue"] : []), "off the plane"];
      const table = h("table", { class: "mlx-land-table" }, caption, h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, ...rows));
      function sheet(now) {
        const { place, score: of, width } = reader(now);
        caption.textContent = `After ${now.step} of ${steps} inner steps. The picture is ${sig(width)} wide; a path farther off is not drawn (slanted here).`;
        cells.forEach((row, m) => {
          const off = place(m, now.step)[2], texts = [sig(of(m, now.step, 0)), sig(of(m, now.step, 1)), Number.isNaN(of(m, now.step, 2)) ? "–" : sig(of(m, now.step, 2)), off < 1e-3 * width ? "on it" : sig(off)];
          row.forEach((cell, k) => { cell.textContent = texts[k]; });
          rows[m].classList.toggle("mlx-land-away", off > width);
        });
      }

      const controls = [
        pick("task", "Task", fixed.tasks.map((value) => ({ value, text: value }))),
        pick("start", "Around", fixed.starts.map((value) => ({ value, text: word(value) }))),
        pick("plane", "Directions", fixed.planes.map((value) => ({ value, text: SHORT[value] ?? word(value) }))),
        pick("view", "View", [{ value: "contour", text: "contours" }, { value: "3-D", text: "3-D" }]),
        knob("step", "Inner steps", "maml", { min: 0, max: steps, show: (k) => `${k} of ${steps}` }),
        player({ label: "Play", every: 500, guard, get: () => get("step"), set: (step) => set({ step }), last: () => (get("scene") === "network" ? steps : 0) }),
      ];
      const node = h("div", {}, h("div", { class: "mlx-row mlx-land-controls" }, ...controls.slice(0, 4).map((control) => control.node)),
        h("div", { class: "mlx-row mlx-land-time" }, controls[4].node, controls[5].node),
        h("div", { class: "mlx-two" },
          h("figure", { class: "mlx-figure" }, title, h("div", { class: "mlx-land-stack" }, canvas, over.node, hand), bar.node, note),
          h("div", { class: "mlx-land-side" }, figure("Query loss after each step: what counts, on or off the plane.", curve.node), table)));
      return { node, name: "network", draw(now) {
        const [size] = over.size(), side = curve.size(), tones = colours.read(); // what makes the browser lay out, before what changes it
        controls.forEach((control) => control.draw());
        land(now, size, tones);
        losses(now, side);
        sheet(now);
      } };
    }

    /** Two valleys, a start to drag, and the arrows of four methods. */
    function twoTasks() {
      const canvas = h("canvas", { "aria-hidden": "true" }), over = plot({ label: "Two tasks, the shared start, and where each method would move it", ratio: () => 2 / 3 }), bar = colourBar("Loss");
      let across = scale(0, 1, 0, 1), up = scale(0, 1, 0, 1), drawn = "";
      const grip = handle({ svg: over.node, label: "The shared start", step: 0.02, guard, get: () => get("theta"), set: (theta) => set({ theta }), toData: (x, y) => [across.back(x), up.back(y)], box: () => ({ x: BOX[0], y: BOX[1] }) });
      over.node.append(grip.node);

      function background(now, width, tall, tones) {
        const f = now.ground === "joint" ? joint : (x, y) => after(x, y, now.rate), key = [now.ground, now.ground === "joint" || now.rate, width, tones.key].join();
        if (key === drawn) return;
        drawn = key;
        lay(canvas, 0, 0, width, tall);
        const low = Math.log(0.1), high = Math.log(30);
        paint(canvas, 120, 80, tones, (u, v) => (Math.log(f(BOX[0][0] + u * (BOX[0][1] - BOX[0][0]), BOX[1][0] + v * (BOX[1][1] - BOX[1][0]))) - low) / (high - low));
        const xs = Array.from({ length: 41 }, (_, k) => -2.5 + k / 8), mark = ([x, y], text) => `<text class="mlx-land-mark" x="${x.toFixed(1)}" y="${y.toFixed(1)}">${text}</text>`;
        const tick = (x, y, text, anchor) => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" class="mlx-land-mark">${text}</text>`;
        over.back.innerHTML = `<path class="mlx-land-lines" d="${contours((x, y) => Math.log(f(across.back(x), up.back(y))), width, tall, levels(0.005, 300).map(Math.log), Math.max(width / 64, 5))}"/>`
          + Object.entries(TASKS).map(([name, t]) => {
            const [x, y] = [across(t.low), up(floor(t, t.low))];
            return `<path class="mlx-land-floor" d="${line(xs.map((v) => [across(v), up(floor(t, v))]))}"/><path d="M${x - 8} ${y}h16M${x} ${y - 8}v16" class="mlx-land-floor" stroke-width="3"/>` + mark([x + 8, y + (name === "A" ? -9 : 20)], `task ${name}`);
          }).join("")
          + [-2, -1, 0, 1].map((v) => tick(across(v), tall - 6, v, "middle")).join("") + [-1, 0, 1].map((v) => tick(6, up(v) + 4, v, "start")).join("") + tick(width - 6, tall - 6, "θ₁", "end") + tick(6, 16, "θ₂", "start");
      }

      function arrows(now, width, tall) {
        const [x, y] = now.theta, [px, py] = [across(x), up(y)], tips = [], far = width / 5;
        const all = RULES.map((m) => move(m, x, y, now.rate, now.inner)), longest = Math.max(...all.map((g) => Math.hypot(...g)), 1e-12);
        let marks = "";
        if (now.meta) RULES.forEach((m) => {
          const path = walk(m, x, y, now.rate, now.inner, now.meta).map(([a, b]) => [across(a), up(b)]), end = path[path.length - 1];
          marks += trail(path, m, 0.9, false);
          if (end[0] > 0 && end[0] < width && end[1] > 0 && end[1] < tall) {
            marks += `<circle class="mlx-land-dot" style="--hue: var(--${look(m).hue}); fill: var(--hue)" cx="${end[0].toFixed(1)}" cy="${end[1].toFixed(1)}" r="6"/>`;
            tips.push({ x: end[0], y: end[1], text: word(m), hue: look(m).hue });
          }
        });
        PAIR.forEach((t, k) => {
          const spots = Array.from({ length: now.inner + 1 }, (_, n) => adapt(t, x, y, now.rate, n)).map(([a, b]) => [across(a), up(b)]), [, [a, b]] = spots, end = spots[now.inner];
          marks += `<path class="mlx-land-trail" style="--hue: var(--reptile)" stroke-width="2" stroke-dasharray="1 3" d="${line(spots)}"/><circle class="mlx-land-dot" style="--hue: var(--reptile); fill: var(--hue)" cx="${end[0].toFixed(1)}" cy="${end[1].toFixed(1)}" r="3.5"/>`
            + `<circle cx="${a.toFixed(1)}" cy="${b.toFixed(1)}" r="5" class="mlx-land-floor"/>`;
          if (a > 0 && a < width && b > 0 && b < tall) tips.push({ x: a, y: b, text: `φ ${"AB"[k]}`, hue: "fg" });
        });
        RULES.forEach((m, k) => {
          const [gx, gy] = all[k], size = Math.hypot(gx, gy);
          if (!size) return;
          const { hue, width: thick } = look(m), long = far * Math.sqrt(size / longest), [ux, uy] = [gx / size, -gy / size];
          const [ex, ey] = [px + long * ux, py + long * uy], [bx, by] = [ex - 13 * ux, ey - 13 * uy];
          marks += `<g style="--hue: var(--${hue})"><path class="mlx-land-casing" stroke-width="${thick + 3}" d="M${px.toFixed(1)} ${py.toFixed(1)}L${bx.toFixed(1)} ${by.toFixed(1)}"/><path class="mlx-land-trail" stroke-width="${thick}" ${dashed(look(m))} d="M${px.toFixed(1)} ${py.toFixed(1)}L${bx.toFixed(1)} ${by.toFixed(1)}"/>`
            + `<path class="mlx-land-head" d="${line([[ex, ey], [bx - 7 * uy, by + 7 * ux], [bx + 7 * uy, by - 7 * ux]])}Z"/></g>`;
          if (!now.meta) tips.push({ x: ex, y: ey, text: word(m), hue });
        });
        over.front.innerHTML = marks + tags(tips, [4, width - 4, 4, tall - 22]);
        grip.draw(px, py);
      }

      const cells = RULES.map(() => Array.from({ length: 3 }, () => h("td"))), verdict = h("p"), caption = h("caption");
      const rule = { joint: "∇L(θ)", maml: "(I − αH) ∇L(φ)", fomaml: "∇L(φ)", reptile: "(θ − φₖ) / kα" };
      const table = h("table", { class: "mlx-land-table" }, caption, h("thead", {}, h("tr", {}, ...["method and gradient", "turned from joint", "mean loss", "after one step"].map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, ...RULES.map((m, k) => h("tr", { style: `--hue: var(--${look(m).hue})` }, h("th", { scope: "row" }, word(m), h("span", { class: "mlx-land-formula" }, rule[m])), ...cells[k]))));
      function sheet(now) {
        const [x, y] = now.theta, first = move("joint", x, y, now.rate, now.inner);
        caption.textContent = now.meta ? `Where each is after ${now.meta} meta-steps` : "Before the first meta-step";
        RULES.forEach((m, k) => {
          const path = walk(m, x, y, now.rate, now.inner, now.meta), end = path[path.length - 1], lost = path.length <= now.meta;
          [`${sig(angle(first, move(m, x, y, now.rate, now.inner)))}°`, lost ? "runs away" : sig(joint(...end)), lost ? "–" : sig(after(...end, now.rate))].forEach((text, c) => { cells[k][c].textContent = text; });
        });
        const then = after(x, y, now.rate), limit = LIKED * after(...BEST, now.rate), points = score(x, y, now.rate), won = earned(x, y, now.rate);
        verdict.textContent = points ? `One step leads to ${sig(then)}, and the mean loss here is ${sig(points)} times its minimum. ${"★".repeat(won)}${"☆".repeat(3 - won)}${won < 3 ? ` The next star is at ${STARS[won]} times.` : ""}`
          : `Not yet: one step leads to ${sig(then)}, and MAML likes ${sig(limit)} or less. ☆☆☆`;
      }

      const controls = [
        pick("ground", "Colours and lines show", [{ value: "joint", text: "mean loss at θ" }, { value: "adapted", text: "mean loss after one inner step" }]),
        knob("rate", "inner rate α", "fg", { min: 0.01, max: 0.25, step: 0.01 }),
        knob("inner", "Reptile's inner steps k", "reptile", { min: 1, max: 10 }),
        knob("meta", "meta-steps to follow", "maml", { min: 0, max: 200, step: 5 }),
        player({ label: "Follow the arrows", every: 100, guard, get: () => get("meta"), set: (meta) => set({ meta: Math.min(meta + 4 * (meta > 0), 200) }), last: () => (get("scene") === "tasks" ? 200 : 0) }),
      ];
      const node = h("div", {}, h("div", { class: "mlx-row mlx-land-controls" }, controls[0].node, controls[4].node),
        h("div", { class: "mlx-two" },
          h("figure", { class: "mlx-figure" }, h("figcaption", {}, "Drag the start, or focus it and press the arrow keys. Arrows: where each method moves it; length grows with the root of the step. φ: after one inner step; green dots: Reptile's inner steps."), h("div", { class: "mlx-land-stack" }, canvas, over.node), bar.node),
          h("div", { class: "mlx-land-side" }, ...controls.slice(1, 4).map((control) => control.node), table)),
        h("div", { class: "mlx-task" }, h("strong", {}, "Your task. "), "Find a start that MAML likes and joint training does not. MAML likes it when one inner step leads to at most half the loss it leads to from joint training's best start. "
          + "Joint training dislikes it the more, the higher the mean loss there is above its minimum. You may change the inner rate.", verdict));
      return { node, name: "tasks", draw(now) {
        const [width, tall] = over.size(), tones = colours.read();
        controls.forEach((control) => control.draw());
        across = scale(...BOX[0], 0, width);
        up = scale(...BOX[1], tall, 0);
        background(now, width, tall, tones);
        arrows(now, width, tall);
        bar.draw(0.1, 30, width - 60);
        sheet(now);
      } };
    }

    return {
      summary: () => summary(state()),
      draw() {
        const now = state();
        which.draw();
        for (const part of parts) part.node.hidden = part.name !== now.scene;
        parts.find((part) => part.name === now.scene)?.draw(now);
      },
    };
  });
}

export default { render };
