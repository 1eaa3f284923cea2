// The picture on the map: three tasks pull at one start. Each takes one step from it, and everything in that step is a
// number that can be dragged, or learned: the start, and the two gates of the cell that gradient descent is.

/** @typedef {[number, number]} Point */
/** @typedef {{at: Point, bend: Point}} Task  where its loss is least, and how steep it is along both axes */
/** @typedef {{theta: Point, f: number, i: number}} State */

/** @type {Task[]} */
export const TASKS = [{ at: [-1.9, -0.8], bend: [1.5, 0.5] }, { at: [0.5, 1.1], bend: [0.4, 1.6] }, { at: [2.1, -0.5], bend: [0.9, 0.9] }];
/** @type {State} */
export const FIRST = { theta: [-1.3, 0.8], f: 1, i: 0.4 };

/** The loss of a task, half the squared distance, weighted. @param {Task} task @param {Point} p */
export const loss = ({ at, bend }, p) => (bend[0] * (p[0] - at[0]) ** 2 + bend[1] * (p[1] - at[1]) ** 2) / 2;
/** @param {Task} task @param {Point} p @returns {Point} */
const gradient = ({ at, bend }, p) => [bend[0] * (p[0] - at[0]), bend[1] * (p[1] - at[1])];
/** One step: what the forget gate keeps of the start, and what the input gate lets in of minus the gradient. @param {Task} task @param {State} state @returns {Point} */
export function step(task, { theta, f, i }) {
  const g = gradient(task, theta);
  return [f * theta[0] - i * g[0], f * theta[1] - i * g[1]];
}
/** The mean loss after the step. @param {State} state */
export const after = (state) => TASKS.reduce((sum, task) => sum + loss(task, step(task, state)), 0) / TASKS.length;

/** How `after` changes with the start and with both gates, through the step. @param {State} state @returns {State} */
export function slope(state) {
  const sum = { theta: /** @type {Point} */ ([0, 0]), f: 0, i: 0 }, n = TASKS.length;
  for (const task of TASKS) {
    const g = gradient(task, state.theta), end = gradient(task, step(task, state));
    for (const k of [0, 1]) {
      sum.theta[k] += (end[k] * (state.f - state.i * task.bend[k])) / n; // the step's own slope: MAML's second order
      sum.f += (end[k] * state.theta[k]) / n;
      sum.i -= (end[k] * g[k]) / n;
    }
  }
  return sum;
}

/** One step of learning what is asked for, by gradient descent. @param {State} state @param {"start" | "step"} what @returns {State} */
export function learn(state, what) {
  const d = slope(state);
  if (what == "start") return { ...state, theta: [state.theta[0] - 0.25 * d.theta[0], state.theta[1] - 0.25 * d.theta[1]] };
  const gate = (/** @type {number} */ x) => Math.min(Math.max(x, 0), 1); // shut to open
  return { ...state, f: gate(state.f - 0.04 * d.f), i: gate(state.i - 0.04 * d.i) };
}

/** Pictures are 640 by 360, a unit is 100. @param {Point} p @returns {Point} */
const pixel = ([x, y]) => [320 + 100 * x, 180 - 100 * y];
const EDGE = { x: 3.1, y: 1.7 }, TIMES = 80;

function show() {
  const plane = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (document.getElementById("plane")));
  const get = (/** @type {string} */ css) => /** @type {HTMLElement} */ (document.querySelector(css));
  const node = (/** @type {string} */ name, /** @type {Record<string, any>} */ about = {}, /** @type {Element[]} */ ...inside) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(about)) made.setAttribute(key, String(value));
    made.append(...inside);
    return made;
  };
  const words = (/** @type {string} */ text, /** @type {Record<string, any>} */ about) => { const made = node("text", about); made.textContent = text; return made; };

  const [ox, oy] = pixel([0, 0]);
  plane.append(node("path", { class: "axis", d: `M0 ${oy}H640M${ox} 0V360` }), words("0", { class: "soft", x: ox + 5, y: oy + 16 }));
  const steps = TASKS.map((task, k) => {
    const [x, y] = pixel(task.at);
    for (const level of [0.1, 0.4, 0.9]) plane.append(node("ellipse", { class: "level", cx: x, cy: y, rx: 100 * Math.sqrt(2 * level / task.bend[0]), ry: 100 * Math.sqrt(2 * level / task.bend[1]) }));
    plane.append(node("path", { class: "low", d: `M${x - 5} ${y}h10M${x} ${y - 5}v10` }), words(`task ${k + 1}`, { class: "name", x: x + 9, y: y - 7 }));
    return task;
  });
  const arrows = steps.map(() => node("path", { class: "step" })), ends = steps.map(() => node("circle", { class: "end", r: 6 }));
  const ghost = node("circle", { class: "ghost", r: 9, visibility: "hidden" }), way = node("path", { class: "way" });
  const handle = node("g", { class: "start", role: "slider", tabindex: 0, "aria-label": "The start θ", "aria-description": "Left and right, up and down move it.", "aria-valuemin": -EDGE.x, "aria-valuemax": EDGE.x },
    node("circle", { class: "touch", r: 26 }), node("circle", { class: "ring", r: 14 }), node("circle", { class: "dot", r: 9 }));
  const name = words("θ", { class: "theta" });
  plane.append(way, ghost, ...arrows, ...ends, name, handle);

  /** @type {State} */ let state = { ...FIRST };
  /** @type {Map<string, Set<() => void>>} */ const heard = new Map();
  const value = get("#after"), said = get("#learned");
  function draw() {
    const [x, y] = pixel(state.theta);
    TASKS.forEach((task, k) => {
      const [u, v] = pixel(step(task, state)), far = Math.hypot(u - x, v - y) || 1, [a, b] = [(u - x) / far, (v - y) / far], tip = Math.min(far, 12);
      const [p, q] = [u - 7 * a, v - 7 * b]; // up to the ring of its end
      arrows[k].setAttribute("d", far < 14 ? "" : `M${x} ${y}L${p} ${q}M${p - tip * a + 5 * b} ${q - tip * b - 5 * a}L${p} ${q}L${p - tip * a - 5 * b} ${q - tip * b + 5 * a}`);
      for (const [key, at] of [["cx", u], ["cy", v]]) ends[k].setAttribute(String(key), String(at));
    });
    handle.setAttribute("transform", `translate(${x} ${y})`);
    // its name stands where no arrow goes
    const tips = TASKS.map((task) => pixel(step(task, state))), room = (/** @type {Point} */ [u, v]) => Math.min(...tips.map(([p, q]) => Math.hypot(p - u, q - v)), v - 12, 348 - v, u - 12, 628 - u);
    const [u, v] = /** @type {Point[]} */ ([[x - 26, y - 24], [x + 26, y - 24], [x - 26, y + 24], [x + 26, y + 24]]).reduce((a, b) => (room(b) > room(a) + 4 ? b : a));
    name.setAttribute("x", String(u));
    name.setAttribute("y", String(v + 7));
    const lost = after(state).toFixed(2);
    handle.setAttribute("aria-valuenow", state.theta[0].toFixed(2));
    handle.setAttribute("aria-valuetext", `${state.theta[0].toFixed(1)} across, ${state.theta[1].toFixed(1)} up; mean loss after the step ${lost}`);
    value.textContent = lost;
  }
  /** @param {Partial<State>} news */
  function set(news) {
    const before = state;
    state = { ...state, ...news };
    draw();
    for (const key of /** @type {("f" | "i")[]} */ (["f", "i"])) if (state[key] != before[key]) for (const each of heard.get(`change:${key}`) ?? []) each();
  }

  let run = 0;
  const stop = () => { cancelAnimationFrame(run); run = 0; };
  /** @param {"start" | "step"} what */
  function train(what) {
    stop();
    const from = state.theta, before = after(state);
    let times = 0, path = `M${pixel(from)}`;
    ghost.setAttribute("visibility", what == "start" ? "visible" : "hidden");
    for (const [key, at] of [["cx", 0], ["cy", 1]]) ghost.setAttribute(String(key), String(pixel(from)[Number(at)]));
    way.setAttribute("d", "");
    const end = () => {
      const told = what == "start" ? "The start has moved to where one step is worth most" : `The gates have moved to f = ${state.f.toFixed(2)}, i = ${state.i.toFixed(2)}`;
      said.textContent = `${told}: mean loss ${before.toFixed(2)} before, ${after(state).toFixed(2)} now.`;
    };
    const go = (/** @type {number} */ most) => {
      for (let n = 0; n < most && times < TIMES; n++, times++) { set(learn(state, what)); path += `L${pixel(state.theta)}`; }
      if (what == "start") way.setAttribute("d", path);
      if (times < TIMES) run = requestAnimationFrame(() => go(1)); else end();
    };
    go(matchMedia("(prefers-reduced-motion: reduce)").matches ? TIMES : 1);
  }
  for (const press of document.querySelectorAll("[data-learn]")) press.addEventListener("click", () => train(/** @type {any} */ (press).dataset.learn));
  const calm = () => { stop(); ghost.setAttribute("visibility", "hidden"); way.setAttribute("d", ""); said.textContent = ""; };
  get("#again").addEventListener("click", () => { calm(); set({ ...FIRST }); });

  const move = (/** @type {number} */ x, /** @type {number} */ y) => {
    calm();
    set({ theta: [Math.min(Math.max(x, -EDGE.x), EDGE.x), Math.min(Math.max(y, -EDGE.y), EDGE.y)] });
  };
  const follow = (/** @type {PointerEvent} */ event) => {
    const box = plane.getBoundingClientRect();
    move(((event.clientX - box.left) / box.width) * 6.4 - 3.2, 1.8 - ((event.clientY - box.top) / box.height) * 3.6);
  };
  const at = (/** @type {string} */ what, /** @type {(event: any) => void} */ f) => handle.addEventListener(what, f);
  at("pointerdown", (event) => { handle.setPointerCapture(event.pointerId); handle.focus({ preventScroll: true }); event.preventDefault(); });
  at("pointermove", (event) => { if (handle.hasPointerCapture(event.pointerId)) follow(event); });
  at("keydown", (event) => {
    const [x, y] = state.theta, far = event.shiftKey ? 0.5 : 0.05;
    const to = { ArrowLeft: [x - far, y], ArrowRight: [x + far, y], ArrowUp: [x, y + far], ArrowDown: [x, y - far],
      Home: [-EDGE.x, y], End: [EDGE.x, y], PageUp: [x, EDGE.y], PageDown: [x, -EDGE.y] }[/** @type {string} */ (event.key)];
    if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(to[0], to[1]);
  });

  // The numbers in the sentence below it are of the kind that a lesson has.
  const model = { get: (/** @type {string} */ key) => /** @type {any} */ (state)[key], set: (/** @type {any} */ news) => { calm(); set(news); }, save_changes() {},
    on: (/** @type {string} */ event, /** @type {() => void} */ f) => { heard.set(event, (heard.get(event) ?? new Set()).add(f)); } };
  // @ts-ignore: scrub stands in numbers.js, which comes before this in one module
  for (const [key, about] of [["f", "forget gate f"], ["i", "input gate i"]]) scrub(get(`[data-moves="plane.${key}"]`), { name: about, min: 0, max: 1, step: 0.01 }, model, key);
  draw();
  document.documentElement.dataset.plane = "ready";
}

if (typeof document != "undefined") show();
