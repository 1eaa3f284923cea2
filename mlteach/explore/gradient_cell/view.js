// GradientCell: gradient descent and an LSTM cell walk down the same surface. The mathematics is __init__.py's,
// operation by operation; a test compares the two.
import { along, button, chart, choice, clamp, decades, equation, escape, explorer, figure, grounds, h, handle, labels, layout, line, long, player, plot, power, scale, sig, slider, until } from "../base/base.js";

/** @typedef {[number, number]} Point */
/** @typedef {{surface: string, start: Point | null, forget: number, input: number, momentum: number, rate: number, steps: number}} State */

const KEYS = ["surface", "start", "forget", "input", "momentum", "rate", "steps"];
const HALF = [2.5, 5 / 3], FAR = 1e3, TASK_STEPS = 20, STARS = [1.05, 10, 500];

/** @type {Record<string, {loss: (x: number, y: number) => number, gradient: (x: number, y: number) => Point, centre: Point, start: Point, low: Point}>} */
export const SURFACES = {
  bowl: {
    loss: (x, y) => 0.5 * ((x - 1.2) * (x - 1.2) + (y - 0.3) * (y - 0.3)),
    gradient: (x, y) => [x - 1.2, y - 0.3],
    centre: [1.2, 0.3], start: [-0.8, 1.1], low: [1.2, 0.3],
  },
  ravine: {
    loss: (x, y) => 0.5 * ((x - 1.2) * (x - 1.2) + 30 * (y - 0.3) * (y - 0.3)),
    gradient: (x, y) => [x - 1.2, 30 * (y - 0.3)],
    centre: [1.2, 0.3], start: [-0.8, 1.1], low: [1.2, 0.3],
  },
  saddle: {
    loss: (x, y) => 0.5 * x * x + 0.25 * (y * y - 1) * (y * y - 1),
    gradient: (x, y) => [x, y * (y * y - 1)],
    centre: [0, 0], start: [-2, 0.1], low: [0, 1],
  },
  rosenbrock: {
    loss: (x, y) => 0.25 * (1 - x) * (1 - x) + 1.25 * (y - x * x) * (y - x * x),
    gradient: (x, y) => [-0.5 * (1 - x) - 5 * x * (y - x * x), 2.5 * (y - x * x)],
    centre: [0, 0.6], start: [-1.2, 1], low: [1, 1],
  },
};

const origin = (state) => state.start ?? SURFACES[state.surface].start;

/** Points c_0 ... c_steps of the cell; fewer when it runs away.
 * @param {string} surface @param {Point} start @param {number} forget @param {number} gate @param {number} momentum
 * @param {number} steps @returns {Point[]} */
export function walk(surface, start, forget, gate, momentum, steps) {
  let [x, y] = start, v = 0, w = 0;
  const path = [start];
  for (let k = 0; k < steps; k++) {
    const [gx, gy] = SURFACES[surface].gradient(x, y);
    [v, w] = [momentum * v + gx, momentum * w + gy];
    [x, y] = [forget * x + gate * -v, forget * y + gate * -w];
    if (!(Math.abs(x) <= FAR && Math.abs(y) <= FAR)) break;
    path.push([x, y]);
  }
  return path;
}

/** @param {string} surface @param {Point} start @param {number} rate @param {number} steps @returns {Point[]} */
export function descend(surface, start, rate, steps) {
  let [x, y] = start;
  const path = [start];
  for (let k = 0; k < steps; k++) {
    const [gx, gy] = SURFACES[surface].gradient(x, y);
    [x, y] = [x - rate * gx, y - rate * gy];
    if (!(Math.abs(x) <= FAR && Math.abs(y) <= FAR)) break;
    path.push([x, y]);
  }
  return path;
}

const end = (surface, path, steps) => (path.length === steps + 1 ? SURFACES[surface].loss(...path.at(-1)) : Infinity);

/** [rate, loss] of the best of 151 fixed rates after 20 steps. @param {string} surface @param {Point} start @returns {Point} */
export function bestRate(surface, start) {
  let best = [0.001, Infinity];
  for (let k = 0; k <= 150; k++) {
    const rate = 10 ** (-3 + k / 50), loss = end(surface, descend(surface, start, rate, TASK_STEPS), TASK_STEPS);
    if (loss < best[1]) best = [rate, loss];
  }
  return best;
}

/** Both paths from the same start. @param {State} state */
export function paths(state) {
  return {
    descent: descend(state.surface, origin(state), state.rate, state.steps),
    cell: walk(state.surface, origin(state), state.forget, state.input, state.momentum, state.steps),
  };
}

const mirror = ({ surface }, [x, y]) => [2 * SURFACES[surface].low[0] - x, 2 * SURFACES[surface].low[1] - y];

/** How many times below the best fixed rate, from the start and from its mirror image, the worse of the two.
 * @param {State} state @returns {number} */
export function score(state) {
  return Math.min(...[origin(state), mirror(state, origin(state))].map((start) => {
    const ours = walk(state.surface, start, state.forget, state.input, state.momentum, TASK_STEPS);
    return (bestRate(state.surface, start)[1] + 1e-12) / (end(state.surface, ours, TASK_STEPS) + 1e-12);
  }));
}

const stars = (state, points) => (state.surface === "ravine" ? STARS.filter((limit) => points >= limit).length : 0);

/** @param {State} state @returns {string} */
export function summary(state) {
  const { descent, cell } = paths(state), { surface, steps } = state;
  const gates = `f = ${sig(state.forget, 3)}, i = ${sig(state.input, 3)}`;
  const apart = Math.max(...descent.slice(0, cell.length).map(([x, y], k) => Math.max(Math.abs(x - cell[k][0]), Math.abs(y - cell[k][1]))));
  if (state.forget === 1 && state.momentum === 0 && state.input === state.rate)
    return `${gates}: the cell is gradient descent; largest difference ${sig(apart)}.`;
  const ends = [["the cell", cell], [`gradient descent (rate ${sig(state.rate, 3)})`, descent]].map(([who, path]) => {
    const last = path.findLastIndex((point) => inside(surface, point));
    return last < steps ? `${who} leaves the picture at step ${last + 1}` : `${who} ends at loss ${sig(SURFACES[surface].loss(...path.at(-1)))}`;
  });
  let text = `${gates}, momentum ${sig(state.momentum, 3)}: ${ends.join("; ")}`;
  text += ends.some((words) => words.includes("leaves")) ? "." : `; the paths differ by up to ${sig(apart)}.`;
  const points = score(state), earned = stars(state, points);
  return earned ? `${text} After ${TASK_STEPS} steps ${sig(points)} times below the best fixed rate: ${"★".repeat(earned)}` : text;
}

const inside = (surface, point) => point.every((x, k) => Math.abs(x - SURFACES[surface].centre[k]) <= HALF[k]);

const LEVELS = Array.from({ length: 14 }, (_, k) => 0.02 * 2 ** k);

const ZERO = "0, where forgetting pulls";

// The terms of the two lines that are the same thing: what a control moves lights up in both.
const TERMS = { forget: ["f", "one"], input: ["i"], momentum: ["μ"], rate: ["α"] };

function render(host) {
  return explorer(host, { title: "Gradient descent and an LSTM cell on one surface", watch: KEYS }, (view) => {
    const { get, set, guard, was } = view;
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    const centre = () => SURFACES[get("surface")].centre;
    const edge = (d) => [centre()[d] - HALF[d], centre()[d] + HALF[d]];

    const land = plot({ label: "The surface with both paths", ratio: () => HALF[1] / HALF[0] });
    land.back.setAttribute("aria-hidden", "true"); // what its numbers say is in the handle's words and in the summary
    const curve = plot({ label: "Loss after each step", ratio: (width) => (width > 380 ? 150 / width : 0.75) });
    let across = scale(0, 1, 0, 1), up = scale(0, 1, 0, 1), drawn = "";
    let step = null, touched = get("start") !== null; // `step`: shown, null is the last; `touched`: a hand has found the start
    const grip = handle({ svg: land.node, label: "Start of both paths", step: 0.02, guard,
      get: () => origin(state()), set: (start) => { touched = true; set({ start }); }, toData: (x, y) => [across.back(x), up.back(y)],
      box: () => ({ x: edge(0), y: edge(1) }) });
    land.node.append(grip.node);

    const formula = equation({ label: "One step of both, term under term", rows: [
      { name: "descent", terms: [{ hue: "cell", text: "θ_t" }, "=", { id: "one", hue: "forget", text: "1" }, "·", { hue: "cell", text: "θ_{t−1}" }, "+",
        { id: "α", hue: "input", text: "α" }, "·", { hue: "candidate", text: "(−∇L)" }] },
      { name: "the cell", terms: [{ hue: "cell", text: "c_t" }, "=", { id: "f", hue: "forget", text: "f" }, "·", { hue: "cell", text: "c_{t−1}" }, "+",
        { id: "i", hue: "input", text: "i" }, "·", { hue: "candidate", text: "(−m_t)" }] },
      { name: "in front", terms: ["m_t", "=", { id: "μ", hue: "forget", text: "μ" }, "·", "m_{t−1}", "+", "1", "·", "∇L"] },
    ] });

    const knob = (key, label, hue, spec) => {
      const control = slider({ label, hue, get: () => get(key), set: (x) => set({ [key]: x }), ...spec });
      for (const [name, ids] of [["pointerenter", TERMS[key]], ["focusin", TERMS[key]], ["pointerleave", []], ["focusout", []]])
        control.node.addEventListener(name, () => formula.light(ids));
      return control;
    };
    const play = player({ label: "Play", every: 260, guard, last: () => get("steps"), get: () => Math.min(step ?? get("steps"), get("steps")),
      set: (k) => { step = k === get("steps") ? null : k; view.redraw(); } });
    const scrub = slider({ label: "step", min: 0, max: 20, hue: "cell", show: (x) => `${x} of ${get("steps")}`,
      get: () => Math.min(step ?? get("steps"), get("steps")), set: (k) => { step = k === get("steps") ? null : k; view.redraw(); } });
    const pick = choice({ label: "Surface", quiet: true, options: Object.keys(SURFACES).map((value) => ({ value, text: value })),
      get: () => get("surface"), set: (surface) => set({ surface, start: null }) });
    const knobs = [
      knob("forget", "forget gate f", "forget", { min: 0.8, max: 1.02, step: 0.005 }),
      knob("input", "input gate i", "input", { min: 0.001, max: 1, log: true }),
      knob("momentum", "momentum μ: a cell in front", "forget", { min: 0, max: 0.95, step: 0.01 }),
      knob("rate", "rate α of descent", "input", { min: 0.001, max: 1, log: true }),
    ];
    const match = button("Cell = descent", () => set({ forget: 1, input: get("rate"), momentum: 0 }));
    match.title = "Make the cell gradient descent: f = 1, i = α, μ = 0";
    const best = button("Best α", () => set({ rate: Number(bestRate(get("surface"), origin(state()))[0].toPrecision(3)) }));
    best.title = "The fixed rate with the lowest loss after 20 steps from here";
    const reset = button("Reset", () => set({ start: null, forget: 1, input: 0.05, momentum: 0, rate: 0.05 }));
    const verdict = h("p", { class: "mlx-verdict" });
    const panels = layout(view, {
      head: [formula.node], picture: [land.node],
      controls: [pick.node, ...knobs.map(({ node }) => node), h("div", { class: "mlx-row" }, play.node, scrub.node),
        h("div", { class: "mlx-row" }, match, best, reset)],
      panels: [
        { name: "Loss curve", node: figure("Loss after each step", curve.node) },
        { name: "Your task", node: h("div", { class: "mlx-task" }, h("strong", {}, "Your task. "),
          "Find gates that beat gradient descent on the ravine in 20 steps, whatever its fixed rate: from your start and from its mirror image across the minimum (the thin path).", verdict) },
      ] });

    const pixels = (path) => path.map(([x, y]) => [across(x), up(y)]);

    function surface(now, width, height) {
      const f = SURFACES[now.surface].loss, key = `${now.surface} ${width}`;
      if (key === drawn) return;
      drawn = key;
      const tick = (x, y, text, anchor) => `<text x="${x}" y="${y}" text-anchor="${anchor}">${escape(text)}</text>`;
      const marks = [-2, -1, 1, 2, 3];
      land.back.innerHTML = grounds((x, y) => f(across.back(x), up.back(y)), width, height, LEVELS).map((d) => `<path class="mlx-ground" d="${d}"/>`).join("")
        + marks.filter((m) => m > edge(0)[0] + 0.15 && m < edge(0)[1] - 0.4).map((m) => tick(across(m), height - 6, m, "middle")).join("")
        + marks.filter((m) => m > edge(1)[0] + 0.25 && m < edge(1)[1] - 0.25).map((m) => tick(6, up(m) + 4, m, "start")).join("")
        + tick(width - 6, height - 6, "θ₁", "end") + tick(6, 16, "θ₂", "start")
        + `<path class="mlx-grid" style="stroke: var(--soft)" d="M${across(0) - 6} ${up(0)}h12M${across(0)} ${up(0) - 6}v12"/>` + tick(across(0) - 6, up(0) + 22, ZERO, "start");
    }

    /** A path: faint as a whole, in full with a dot for each step as far as the playhead is. */
    function trail(points, hue, dashed, size, t) {
      const d = (some) => `class="mlx-curve ${dashed ? "mlx-dashed" : ""}" style="stroke-width: ${size}" d="${line(some)}"`;
      const dots = points.slice(0, Math.floor(t) + 1), [x, y] = along(points, t);
      return `<g style="--hue: var(--${hue})">` + (t < points.length - 1 ? `<path ${d(points)} opacity="0.3"/>` : "") + `<path ${d(until(points, t))}/>`
        + dots.map(([x, y], k) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${size + 0.5}" style="fill: color-mix(in srgb, var(--hue) ${Math.round(30 + (70 * k) / points.length)}%, var(--bg)); stroke: var(--hue)"/>`).join("")
        + (t <= points.length - 1 ? `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${size + 3}" style="fill: var(--hue); stroke: var(--bg); stroke-width: 2"/>` : "") + "</g>";
    }

    /** The cell's path from the mirror image of the start, which counts in the task. */
    const mirrored = (points) => {
      if (!points.length) return "";
      const [[x, y]] = points;
      return `<g style="--hue: var(--cell)"><path class="mlx-curve" opacity="0.5" style="stroke-width: 1.5" d="${line(points)}"/>`
        + `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="6" fill="var(--card)" stroke="var(--soft)" stroke-width="2"/></g>`;
    };

    const alike = ({ descent, cell }) => descent.length === cell.length
      && descent.every((point, k) => Math.hypot(point[0] - cell[k][0], point[1] - cell[k][1]) < 1e-9);

    /** Both paths, and where the drag began, in pixels of a picture that stands on its own scale. */
    const before = () => { const then = was(); return then && then.surface === get("surface") && KEYS.some((key) => then[key] !== get(key)) ? paths(then) : null; };

    function landscape(now, { descent, cell }, ghosts, t) {
      const [width, height] = land.size();
      across = scale(...edge(0), 0, width);
      up = scale(...edge(1), height, 0);
      surface(now, width, height);
      const seen = ([x, y]) => x >= 0 && x <= width && y >= 0 && y <= height;
      const ours = pixels(cell), theirs = pixels(descent), start = pixels([origin(now)])[0];
      const other = now.surface === "ravine" ? pixels(walk(now.surface, mirror(now, origin(now)), now.forget, now.input, now.momentum, now.steps)) : [];
      const last = (points) => until(points, t).findLast(seen) ?? start;
      const ghost = ghosts && [["cell", ghosts.cell, 3], ["baseline", ghosts.descent, 2]].map(([hue, path, size]) =>
        `<path class="mlx-curve" style="--hue: var(--${hue}); stroke-width: ${size}" d="${line(pixels(path))}"/>`).join("")
        + pixels(ghosts.cell.slice(0, 1)).map(([x, y]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="8" fill="none" stroke="var(--fg)" stroke-width="2" stroke-dasharray="3 3"/>`).join("");
      land.front.innerHTML = (ghost ? `<g class="mlx-ghost">${ghost}</g>` : "") + mirrored(other)
        + trail(ours, "cell", false, 4, t) + trail(theirs, "baseline", true, 2, t)
        + labels([...(alike({ descent, cell }) ? [{ at: last(ours), text: "cell = gradient descent", hue: "cell" }]
          : [{ at: last(ours), text: "cell", hue: "cell" }, { at: last(theirs), text: "gradient descent", hue: "baseline" }]),
        ...(touched ? [] : [{ at: start, text: "drag me", hue: "fg" }]),
        ...(other.length && seen(other[0]) ? [{ at: other[0], text: "mirror", hue: "soft" }] : [])],
        { width, height, bottom: 20, lines: [ours, theirs, other].map((points) => points.filter(seen)), boxes: [...[start, ...other.slice(0, 1)].map(([x, y]) => [x - 14, y - 14, x + 14, y + 14]),
          [across(0) - 8, up(0) + 7, across(0) + long(ZERO), up(0) + 27]] });
      grip.draw(...start);
    }

    function losses(now, { descent, cell }, ghosts, t) {
      const [width, height] = curve.size(), f = SURFACES[now.surface].loss;
      const values = (path) => path.map((point) => Math.max(f(...point), 1e-12)), all = [...values(cell), ...values(descent)];
      const floor = Math.max(Math.floor(Math.log10(Math.min(...all))), -8);
      const ceiling = Math.max(Math.min(Math.ceil(Math.log10(Math.max(...all))), 4), floor + 2);
      const points = (path) => until(values(path).map((v, k) => [k, clamp(Math.log10(v), floor, ceiling)]), t);
      const same = alike({ descent, cell }), dash = 'stroke-dasharray="7 5" stroke-width="2"';
      const { back, front } = chart({ width, height, x: [0, now.steps], y: [floor - 0.08 * (ceiling - floor), ceiling], xLabel: "step", yLabel: "loss, logarithmic",
        xs: [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * now.steps)), ys: decades(floor, ceiling), yText: power, curves: [
          ...(ghosts ? [{ points: points(ghosts.cell), hue: "cell", ghost: true }, { points: points(ghosts.descent), hue: "baseline", ghost: true }] : []),
          { points: points(cell), hue: "cell", name: same ? "both" : "cell", attributes: 'stroke-width="4"' },
          { points: points(descent), hue: "baseline", name: same ? "" : "gradient descent", attributes: dash },
        ] });
      curve.back.innerHTML = back;
      curve.front.innerHTML = front;
    }

    return {
      summary: () => summary(state()),
      draw() {
        const now = state(), both = paths(now), ghosts = before(), t = play.at();
        for (const control of [pick, ...knobs, scrub, play]) control.draw();
        landscape(now, both, ghosts, t);
        if (panels.open() === "Loss curve") losses(now, both, ghosts, t);
        for (const [id, key] of [["α", "rate"], ["f", "forget"], ["i", "input"], ["μ", "momentum"]]) formula.write(id, sig(now[key], 3));
        if (panels.open() !== "Your task") return;
        const points = score(now), earned = stars(now, points);
        verdict.textContent = now.surface !== "ravine" ? "Choose the ravine to play."
          : points >= STARS[0] ? `${sig(points)} times below the best fixed rate. ${"★".repeat(earned)}${"☆".repeat(3 - earned)}`
          : points > 0.95 ? "Level with the best fixed rate. ☆☆☆"
          : `Not yet: ${points > 0 ? `${sig(1 / points)} times above the best fixed rate` : "the cell runs away"}. ☆☆☆`;
      },
    };
  });
}

export default { render };
