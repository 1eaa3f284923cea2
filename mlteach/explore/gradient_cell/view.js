// GradientCell: gradient descent and an LSTM cell walk down the same surface. The mathematics is __init__.py's,
// operation by operation; a test compares the two.
import { axes, button, choice, clamp, contours, explorer, figure, h, handle, line, named, plot, scale, sig, slider } from "../base/base.js";

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

function render(host) {
  return explorer(host, { title: "Gradient descent and an LSTM cell on one surface", watch: KEYS }, ({ root, get, set, guard }) => {
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    const centre = () => SURFACES[get("surface")].centre;
    const edge = (d) => [centre()[d] - HALF[d], centre()[d] + HALF[d]];

    const land = plot({ label: "The surface with both paths", ratio: () => HALF[1] / HALF[0] });
    const curve = plot({ label: "Loss after each step", ratio: (width) => (width > 380 ? 0.9 : 0.75) });
    let across = scale(0, 1, 0, 1), up = scale(0, 1, 0, 1), drawn = "";
    const grip = handle({ svg: land.node, label: "Start of both paths", step: 0.02, guard,
      get: () => origin(state()), set: (start) => set({ start }), toData: (x, y) => [across.back(x), up.back(y)],
      box: () => ({ x: edge(0), y: edge(1) }) });
    land.node.append(grip.node);

    const knob = (key, label, hue, spec) => slider({ label, hue, get: () => get(key), set: (x) => set({ [key]: x }), ...spec });
    const controls = [
      choice({ label: "Surface", options: Object.keys(SURFACES).map((value) => ({ value, text: value })),
        get: () => get("surface"), set: (surface) => set({ surface, start: null }) }),
      knob("forget", "forget gate f", "lstm", { min: 0.8, max: 1.02, step: 0.005 }),
      knob("input", "input gate i", "lstm", { min: 0.001, max: 1, log: true }),
      knob("momentum", "momentum μ (a second cell in front)", "lstm", { min: 0, max: 0.95, step: 0.01 }),
      knob("rate", "rate α of gradient descent", "baseline", { min: 0.001, max: 1, log: true }),
    ];
    const match = button("Make the cell gradient descent", () => set({ forget: 1, input: get("rate"), momentum: 0 }));
    const best = button("Best fixed rate", () => set({ rate: Number(bestRate(get("surface"), origin(state()))[0].toPrecision(3)) }));
    const reset = button("Reset", () => set({ start: null, forget: 1, input: 0.05, momentum: 0, rate: 0.05 }));
    const formula = h("p", { class: "mlx-formula" }), verdict = h("p");
    root.append(
      h("div", { class: "mlx-row" }, controls[0].node, h("div", { class: "mlx-row" }, match, best, reset)),
      h("div", { class: "mlx-two" },
        figure("Drag the start, or focus it and press the arrow keys.", land.node),
        figure("Loss after each step: lower is better.", curve.node)),
      h("div", { class: "mlx-sliders" }, ...controls.slice(1).map((control) => control.node)), formula,
      h("div", { class: "mlx-task" }, h("strong", {}, "Your task. "),
        "Find gates that beat gradient descent on the ravine in 20 steps, whatever its fixed rate: from your start and from its mirror image across the minimum (the thin path).", verdict));

    function surface(now, width, height) {
      const f = SURFACES[now.surface].loss, key = `${now.surface} ${width}`;
      if (key === drawn) return;
      drawn = key;
      const tick = (x, y, text, anchor) => `<text x="${x}" y="${y}" text-anchor="${anchor}">${text}</text>`;
      const marks = [-2, -1, 1, 2, 3];
      land.back.innerHTML = `<path class="mlx-grid" d="${contours((x, y) => f(across.back(x), up.back(y)), width, height, LEVELS)}"/>`
        + marks.filter((m) => m > edge(0)[0] + 0.15 && m < edge(0)[1] - 0.4).map((m) => tick(across(m), height - 6, m, "middle")).join("")
        + marks.filter((m) => m > edge(1)[0] + 0.25 && m < edge(1)[1] - 0.25).map((m) => tick(6, up(m) + 4, m, "start")).join("")
        + tick(width - 6, height - 6, "θ₁", "end") + tick(6, 16, "θ₂", "start")
        + `<path class="mlx-grid" style="stroke: var(--soft)" d="M${across(0) - 6} ${up(0)}h12M${across(0)} ${up(0) - 6}v12"/>` + tick(across(0) - 6, up(0) + 22, width < 280 ? "0" : "0, where forgetting pulls", "start");
    }

    /** A path with a dot for each step, light to dark. */
    function trail(path, hue, dashed, size) {
      const points = path.map(([x, y]) => [across(x), up(y)]);
      return `<g style="--hue: var(--${hue})"><path class="mlx-curve ${dashed ? "mlx-dashed" : ""}" style="stroke-width: ${size}" d="${line(points)}"/>`
        + points.map(([x, y], k) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${size + 0.5}" style="fill: color-mix(in srgb, var(--hue) ${Math.round(30 + (70 * k) / points.length)}%, var(--bg)); stroke: var(--hue)"/>`).join("") + "</g>";
    }

    /** The cell's path from the mirror image of the start, which counts in the task. */
    const ghostly = (points) => {
      if (!points.length) return "";
      const [[x, y]] = points, [width, height] = land.size(), seen = x >= 0 && x <= width && y >= 0 && y <= height;
      return `<g style="--hue: var(--lstm)"><path class="mlx-curve" opacity="0.5" style="stroke-width: 1.5" d="${line(points)}"/>`
        + `<circle cx="${x}" cy="${y}" r="6" fill="var(--card)" stroke="var(--soft)" stroke-width="2"/>`
        + (seen ? `<text x="${clamp(x, 26, width - 26)}" y="${y + (y > height - 30 ? -12 : 22)}" text-anchor="middle">mirror</text></g>` : "</g>");
    };

    const alike = ({ descent, cell }) => descent.length === cell.length
      && descent.every((point, k) => Math.hypot(point[0] - cell[k][0], point[1] - cell[k][1]) < 1e-9);

    function landscape(now, { descent, cell }) {
      const [width, height] = land.size();
      across = scale(...edge(0), 0, width);
      up = scale(...edge(1), height, 0);
      surface(now, width, height);
      const ghost = now.surface === "ravine" ? walk(now.surface, mirror(now, origin(now)), now.forget, now.input, now.momentum, now.steps) : [];
      const last = (path) => path.findLast((point) => inside(now.surface, point)) ?? origin(now);
      const [a, b] = [last(cell), last(descent)].map(([x, y]) => [across(x), up(y)]);
      const above = a[1] <= b[1] ? -1 : 1;
      const label = ([x, y], text, hue, dy) => { // beside the point, on the side where there is room
        const long = 8 * text.length, flip = x > width * 0.68 && x - 12 > long;
        return named(flip ? x - 12 : Math.max(Math.min(x + 12, width - 6 - long), 4), Math.min(Math.max(y + 5 + dy, 18), height - 24), text, hue, flip ? "end" : "start");
      };
      land.front.innerHTML = ghostly(ghost.map(([x, y]) => [across(x), up(y)]))
        + trail(cell, "lstm", false, 4) + trail(descent, "baseline", true, 2)
        + (alike({ descent, cell }) ? label(a, "cell = gradient descent", "lstm", -14)
          : label(a, "cell", "lstm", above * 14) + label(b, "gradient descent", "baseline", -above * 14));
      grip.draw(...[origin(now)].map(([x, y]) => [across(x), up(y)])[0]);
    }

    function losses(now, { descent, cell }) {
      const [width, height] = curve.size(), f = SURFACES[now.surface].loss;
      const [ours, theirs] = [cell, descent].map((path) => path.map((point) => Math.max(f(...point), 1e-12)));
      const floor = Math.max(Math.floor(Math.log10(Math.min(...ours, ...theirs))), -8);
      const ceiling = Math.max(Math.min(Math.ceil(Math.log10(Math.max(...ours, ...theirs))), 4), floor + 2);
      const x = scale(0, now.steps, 46, width - 14), y = scale(floor - 0.08 * (ceiling - floor), ceiling, height - 40, 14);
      const points = (values) => values.map((v, k) => [x(k), y(Math.min(Math.max(Math.log10(v), floor), ceiling))]);
      const every = Math.ceil((ceiling - floor) / 5);
      const decades = Array.from({ length: Math.floor((ceiling - floor) / every) + 1 }, (_, k) => floor + k * every);
      const power = (k) => (k >= 0 && k < 4 ? 10 ** k : k < 0 && k > -4 ? (10 ** k).toFixed(-k) : `1e${k}`);
      curve.back.innerHTML = axes({ x, y, xs: [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * now.steps)), ys: decades,
        left: 46, right: width - 14, bottom: height - 40, xLabel: "step", yLabel: width < 240 ? "" : "loss (log)", yText: power });
      const [a, b] = [points(ours), points(theirs)], over = a.at(-1)[1] <= b.at(-1)[1] ? -1 : 1;
      const put = (text, hue, side) => { // clear of both curves over the label's whole width
        const near = [...a, ...b].filter(([px]) => px > width - 30 - 8 * text.length).map(([, py]) => py);
        const py = side < 0 ? Math.min(...near) - 9 : Math.max(...near) + 18;
        return named(width - 16, Math.min(Math.max(py, 26), height - 44), text, hue, "end");
      };
      curve.front.innerHTML = [[a, "lstm", 4, ""], [b, "baseline", 2, "mlx-dashed"]].map(([p, hue, size, dash]) =>
        `<path class="mlx-curve ${dash}" style="--hue: var(--${hue}); stroke-width: ${size}" d="${line(p)}"/>`).join("")
        + (alike({ descent, cell }) ? put("both", "lstm", -1) : put("cell", "lstm", over) + put("gradient descent", "baseline", -over));
    }

    return {
      summary: () => summary(state()),
      draw() {
        const now = state(), both = paths(now);
        controls.forEach((control) => control.draw());
        landscape(now, both);
        losses(now, both);
        const b = (text, hue) => `<b style="--hue: var(--${hue})">${text}</b>`, part = (text) => `<span>${text}</span>`;
        formula.innerHTML = part("gradient descent:") + part(`θₜ = 1 · θₜ₋₁ + ${b(sig(now.rate, 3), "baseline")} · (−∇L)`) + "<br>"
          + part("the cell:") + part(`cₜ = ${b(sig(now.forget, 3), "lstm")} · cₜ₋₁ + ${b(sig(now.input, 3), "lstm")} · (−vₜ),`)
          + part(`vₜ = ${b(sig(now.momentum, 3), "lstm")} · vₜ₋₁ + ∇L`);
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
