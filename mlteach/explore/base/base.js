// Helpers that every explorer shares. Plain JavaScript, no library, no network.
// An explorer's module imports from here; Python joins the two texts into the one module a notebook loads.

/**
 * What a host gives an explorer: JupyterLab through anywidget, or a static page.
 * @typedef {{get(key: string): any, set(key: string, value: any): void, save_changes(): void,
 *            on(event: string, callback: () => void): void, off(event: string, callback: () => void): void}} Model
 */

/** `x` to some significant digits: 0.012, 340, 1.2e-5. The same text as `sig` in base/__init__.py.
 * @param {number} x @param {number} [digits] @returns {string} */
export function sig(x, digits = 2) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "no number" : "infinite";
  if (x === 0) return "0";
  const [mantissa, exponent] = x.toExponential(digits - 1).split("e");
  if (Math.abs(Number(exponent)) < 4) return String(Number(`${mantissa}e${exponent}`));
  return `${Number(mantissa)}e${Number(exponent)}`;
}

/** @param {number} x @param {number} low @param {number} high */
export const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

/** Text that is safe inside markup. @param {any} text */
export const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

let count = 0;
/** An id no other view on the page has. @param {string} name */
export const unique = (name) => `mlx-${name}-${++count}-${Math.random().toString(36).slice(2, 7)}`;

/** An HTML element. `on...` attributes are listeners; false and undefined leave an attribute out.
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...(Node|string)} children @returns {any} */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. @param {string} tag @param {Record<string, any>} [attributes] @param {...(Node|string)} children @returns {any} */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== false && value !== undefined) node.setAttribute(key, value === true ? "" : value);
  }
  // JupyterLab would take arrow keys and Enter for itself ("next cell", "edit"), unless what has the focus says no.
  if (node.matches("input, button, [tabindex]")) node.setAttribute("data-lm-suppress-shortcuts", "true");
  node.append(...children);
  return node;
}

/**
 * The frame of an explorer: a named region with its picture and controls, the summary under it, and a place for errors.
 * @param {{model: Model, el: HTMLElement}} host  as given to anywidget's render
 * @param {{title: string, watch: string[]}} about  what the explorer is, in words: its heading and its name for a screen
 *        reader; and the traits whose change calls for a new picture
 * @param {(view: View) => {draw: () => void, summary: () => string}} build  makes the content once; `draw` runs after
 *        every change, at most once a frame
 * @returns {() => void}  takes the view down
 *
 * @typedef {{root: HTMLElement, get: (key: string) => any, set: (values: Record<string, any>) => void,
 *            redraw: () => void, guard: (f: Function) => any}} View
 */
export function explorer({ model, el }, { title, watch }, build) {
  const heading = unique("title");
  const root = h("div", { class: "mlx-body" });
  const text = h("p", { class: "mlx-summary" });
  const live = h("p", { class: "mlx-hidden", role: "status", "aria-live": "polite" });
  const error = h("p", { class: "mlx-error", role: "alert", hidden: true });
  const frame = h("section", { class: "mlx", "aria-labelledby": heading },
    h("p", { class: "mlx-title", id: heading }, title), error, root, text, live);
  el.append(frame);

  let waiting = 0, speaking, content, unsaved = false;

  /** Runs `f`; an error is shown in the widget and in the console, and never lost. */
  const guard = (f) => (...args) => {
    try {
      return f(...args);
    } catch (problem) {
      error.textContent = `This explorer stopped: ${problem.message ?? problem}. Run its cell again.`;
      error.hidden = false;
      console.error(problem);
    }
  };
  const paint = guard(() => {
    waiting = 0;
    if (unsaved) model.save_changes(); // one message to the kernel a frame, however fast the hand
    unsaved = false;
    content.draw();
    text.textContent = content.summary();
    clearTimeout(speaking); // a screen reader hears where a drag ends, not every point on its way
    speaking = setTimeout(() => { if (live.textContent !== text.textContent) live.textContent = text.textContent; }, 500);
  });
  const redraw = () => { waiting ||= requestAnimationFrame(paint); };
  const set = (values) => {
    for (const [key, value] of Object.entries(values)) model.set(key, value);
    unsaved = true;
    redraw();
  };

  guard(() => {
    content = build({ root, get: (key) => model.get(key), set, redraw, guard });
    paint();
  })();
  for (const key of watch) model.on(`change:${key}`, redraw);
  const sizes = new ResizeObserver(() => content && redraw());
  sizes.observe(frame);
  frame.addEventListener("mlx-resize", () => content && redraw()); // of a plot alone, say one that was hidden
  return () => {
    for (const key of watch) model.off(`change:${key}`, redraw);
    sizes.disconnect();
    cancelAnimationFrame(waiting);
    clearTimeout(speaking);
    frame.remove();
  };
}

/**
 * A labelled slider with its value in words. `log` spaces it by ratio. Arrow keys, Page Up and Down, Home and End come
 * with the native control; Shift with an arrow key takes ten steps.
 * @param {{label: string, min: number, max: number, step?: number, log?: boolean, hue?: string,
 *          show?: (x: number) => string, get: () => number, set: (x: number) => void}} spec
 * @returns {{node: HTMLElement, draw: () => void}}
 */
export function slider({ label, min, max, step = 1, log = false, hue = "fg", show = (x) => sig(x, 3), get, set }) {
  const id = unique("slider"), marks = 240; // of a log slider
  const place = (x) => (log ? Math.round((marks * Math.log(x / min)) / Math.log(max / min)) : x);
  const value = (p) => (log ? Number((min * (max / min) ** (p / marks)).toPrecision(3)) : p);
  const low = log ? 0 : min, high = log ? marks : max, unit = log ? 1 : step;
  const input = h("input", { type: "range", id, min: low, max: high, step: unit, style: `--hue: var(--${hue})`,
    oninput: () => set(clamp(value(Number(input.value)), min, max)),
    onkeydown: (event) => {
      const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!way || !event.shiftKey) return;
      event.preventDefault();
      const p = clamp(Number(input.value) + 10 * way * unit, low, high);
      set(clamp(value(Number(p.toFixed(6))), min, max));
    } });
  const output = h("output", { for: id });
  const node = h("div", { class: "mlx-slider" }, h("label", { for: id }, label), output, input);
  return { node, draw() {
    const x = get();
    if (Number(input.value) !== place(x)) input.value = place(x);
    input.style.setProperty("--part", `${(100 * (place(x) - low)) / (high - low)}%`);
    output.textContent = show(x);
    input.setAttribute("aria-valuetext", show(x));
  } };
}

/**
 * Pick one of a few: native radio buttons, so that the arrow keys work, dressed as buttons.
 * @param {{label: string, options: {value: any, text: string, hint?: string}[], get: () => any, set: (value: any) => void}} spec
 * @returns {{node: HTMLElement, draw: () => void}}
 */
export function choice({ label, options, get, set }) {
  const name = unique("choice");
  const inputs = options.map(({ value }) =>
    h("input", { type: "radio", name, value, onchange: () => set(value) }));
  const node = h("fieldset", { class: "mlx-choice" }, h("legend", {}, label),
    ...options.map(({ text, hint }, k) => h("label", { title: hint }, inputs[k], h("span", {}, text))));
  return { node, draw() { options.forEach(({ value }, k) => { inputs[k].checked = value === get(); }); } };
}

/** @param {string} text @param {() => void} press @returns {HTMLElement} */
export const button = (text, press) => h("button", { type: "button", class: "mlx-button", onclick: press }, text);

/**
 * An SVG that draws in CSS pixels of its real width, so that its letters stay letters at any size.
 * @param {{label: string, ratio: (width: number) => number}} spec  `ratio`: height over width
 * @returns {{node: SVGElement, back: SVGElement, front: SVGElement, size: () => [number, number]}}
 *          two layers to draw in; `size` is read in every draw
 */
export function plot({ label, ratio }) {
  const back = s("g"), front = s("g");
  const node = s("svg", { class: "mlx-plot", role: "group", "aria-label": label }, back, front);
  let wide = 0; // as last laid out: to ask while drawing would force a layout, three times a frame
  new ResizeObserver(() => {
    if (node.clientWidth === wide) return;
    wide = node.clientWidth;
    node.dispatchEvent(new Event("mlx-resize", { bubbles: true }));
  }).observe(node);
  return { node, back, front, size() {
    wide ||= node.clientWidth;
    const width = Math.max(wide, 200), height = Math.round(width * ratio(width));
    const box = `0 0 ${width} ${height}`;
    if (node.getAttribute("viewBox") !== box) {
      node.setAttribute("viewBox", box);
      node.style.aspectRatio = `${width} / ${height}`;
    }
    return [width, height];
  } };
}

/**
 * Where an event is in an SVG from `plot`, in the pixels it draws in. On a slide the page is enlarged, so that these are
 * not the screen's.
 * @param {any} svg @param {{clientX: number, clientY: number}} event @returns {[number, number]}
 */
export function pointer(svg, event) {
  const box = svg.getBoundingClientRect(), enlarged = box.width / svg.clientWidth || 1;
  return [(event.clientX - box.left) / enlarged, (event.clientY - box.top) / enlarged];
}

/** A scale from numbers to pixels. @param {number} a @param {number} b @param {number} from @param {number} to */
export function scale(a, b, from, to) {
  const f = (x) => from + ((x - a) * (to - from)) / (b - a);
  f.back = (p) => a + ((p - from) * (b - a)) / (to - from);
  return f;
}

/** The `d` of a path through points in pixels. @param {[number, number][]} points */
export const line = (points) => points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/**
 * A point to take in the hand, by mouse, touch or keys: arrows move it (Shift: ten times as far), Home and End go to the
 * left and right edge, Page Up and Down to the top and bottom.
 * @param {{svg: any, label: string, hue?: string, step: number, get: () => [number, number],
 *          set: (point: [number, number]) => void, toData: (x: number, y: number) => [number, number],
 *          box: () => {x: [number, number], y: [number, number]}, guard: (f: Function) => any}} spec
 * @returns {{node: SVGElement, draw: (x: number, y: number) => void}}  `draw` puts it at a place in pixels
 */
export function handle({ svg, label, hue = "fg", step, get, set, toData, box, guard }) {
  const node = s("g", { class: "mlx-handle", role: "slider", tabindex: 0, "aria-label": label, style: `--hue: var(--${hue})` },
    s("circle", { r: 22, class: "mlx-touch" }), s("circle", { r: 13, class: "mlx-halo" }), s("circle", { r: 8, class: "mlx-grip" }));
  const put = (x, y) => {
    const edge = box();
    set([Number(clamp(x, ...edge.x).toFixed(3)), Number(clamp(y, ...edge.y).toFixed(3))]);
  };
  const follow = (event) => put(...toData(...pointer(svg, event)));
  const listen = (target, name, f) => target.addEventListener(name, guard(f));
  listen(node, "pointerdown", (event) => { node.setPointerCapture(event.pointerId); node.focus(); event.preventDefault(); });
  listen(node, "pointermove", (event) => { if (node.hasPointerCapture(event.pointerId)) follow(event); });
  listen(svg, "click", (event) => { if (!node.contains(event.target)) follow(event); });
  listen(node, "keydown", (event) => {
    const [x, y] = get(), edge = box(), far = step * (event.shiftKey ? 10 : 1);
    const to = { ArrowLeft: [x - far, y], ArrowRight: [x + far, y], ArrowUp: [x, y + far], ArrowDown: [x, y - far],
      Home: [edge.x[0], y], End: [edge.x[1], y], PageUp: [x, edge.y[1]], PageDown: [x, edge.y[0]] }[event.key];
    if (!to) return;
    event.preventDefault();
    put(...to);
  });
  return { node, draw(px, py) {
    const [x, y] = get(), edge = box();
    node.setAttribute("transform", `translate(${px.toFixed(1)} ${py.toFixed(1)})`);
    for (const [key, value] of Object.entries({ now: x, min: edge.x[0], max: edge.x[1], text: `${sig(x, 3)} across, ${sig(y, 3)} up` }))
      node.setAttribute(`aria-value${key}`, value);
  } };
}

/**
 * A row of numbers to paint on, by mouse, touch or keys: a drag writes along its way; left and right (Shift: ten), Home and
 * End choose a number, up and down (Shift: ten), Page Up and Down change it.
 * @param {{node: any, svg: any, top: number, tall: number, least: number, column: (x: number) => number, values: () => number[],
 *          at: () => number, go: (k: number) => void, write: (from: number, to: number, value: number) => void,
 *          guard: (f: Function) => any}} spec  `top`, `tall`: of the row, in pixels; its numbers go from `least` to 1 by 0.05;
 *        `at`: the place of the chosen number; `write`: a drag came from place `from` to place `to`
 */
export function paintable({ node, svg, top, tall, least, column, values, at, go, write, guard }) {
  let last = 0;
  const follow = (event, first) => {
    const [px, py] = pointer(svg, event), k = column(px);
    const part = clamp(1 - (py - top - 4) / (tall - 8), 0, 1); // a margin, so that both ends are easy to hit
    write(first ? k : last, k, Number((Math.round((least + part * (1 - least)) * 20) / 20).toFixed(2)));
    last = k;
  };
  const listen = (what, f) => node.addEventListener(what, guard(f));
  listen("pointerdown", (event) => { node.setPointerCapture(event.pointerId); node.focus({ preventScroll: true }); event.preventDefault(); follow(event, true); });
  listen("pointermove", (event) => { if (node.hasPointerCapture(event.pointerId)) follow(event, false); });
  listen("keydown", (event) => {
    const k = at(), end = values().length - 1, many = event.shiftKey ? 10 : 1;
    const move = { ArrowLeft: k - many, ArrowRight: k + many, Home: 0, End: end }[event.key];
    const value = values()[k], to = { ArrowUp: value + 0.05 * many, ArrowDown: value - 0.05 * many, PageUp: 1, PageDown: least }[event.key];
    if (move === undefined && to === undefined) return;
    event.preventDefault();
    if (move !== undefined) go(clamp(move, 0, end));
    else write(k, k, Number(clamp(to, least, 1).toFixed(2)));
  });
}

/** The picture with its caption. @param {string} caption @param {...Node} parts */
export const figure = (caption, ...parts) => h("figure", { class: "mlx-figure" }, h("figcaption", {}, caption), ...parts);

/** Endless numbers in [0, 1) from a seed of 32 bits: `mulberry32` in tasks/pool.py. @param {number} seed @returns {() => number} */
export function mulberry32(seed) {
  let word = seed | 0;
  return () => {
    word = (word + 0x6d2b79f5) | 0;
    let mixed = Math.imul(word ^ (word >>> 15), word | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The little-endian Float32 numbers of a bytes trait. @param {DataView} view @returns {Float32Array} */
export const floats = (view) => Float32Array.from({ length: view.byteLength / 4 }, (_, k) => view.getFloat32(4 * k, true));

/** Round numbers from `low` to `high` for an axis, about `count` of them. @param {number} low @param {number} high @param {number} [count] @returns {number[]} */
export function ticks(low, high, count = 5) {
  const rough = (high - low) / Math.max(count, 1), power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

/**
 * Markup of a frame of two axes: lines across at `ys`, numbers at both, and what they count in words.
 * @param {{x: any, y: any, xs: number[], ys: number[], left: number, right: number, bottom: number, xLabel: string, yLabel?: string,
 *          xText?: (v: number) => string|number, yText?: (v: number) => string|number}} spec  `x`, `y`: scales; `left`, `right`, `bottom`: of the frame, in pixels
 */
export function axes({ x, y, xs, ys, left, right, bottom, xLabel, yLabel = "", xText = (v) => v, yText = (v) => v }) {
  return ys.map((v) => `<path class="mlx-grid" d="M${left} ${y(v).toFixed(1)}H${right}"/><text x="${left - 6}" y="${(y(v) + 4).toFixed(1)}" text-anchor="end">${escape(yText(v))}</text>`).join("")
    + xs.map((v) => `<text x="${x(v).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${escape(xText(v))}</text>`).join("")
    + `<text x="${(left + right) / 2}" y="${bottom + 35}" text-anchor="middle">${escape(xLabel)}</text>`
    + (yLabel && `<text x="${left + 4}" y="${Math.min(...ys.map(y)) + 15}">${escape(yLabel)}</text>`);
}

/** Markup of a name at a line, in its hue. @param {number} x @param {number} y @param {string} text @param {string} hue @param {string} [anchor] */
export const named = (x, y, text, hue, anchor = "start") =>
  `<text class="mlx-name" style="--hue: var(--${hue})" x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escape(text)}</text>`;

/** Markup of a curve through points in pixels. @param {[number, number][]} points @param {string} hue @param {string} [attributes] */
export const stroke = (points, hue, attributes = "") => `<path class="mlx-curve" style="--hue: var(--${hue})" d="${line(points)}" ${attributes}/>`;

/** Moves labels apart, up and down alike, until each has `gap` pixels, inside [top, bottom]; the order stays.
 * @param {number[]} wanted @param {number} gap @param {number} top @param {number} bottom @returns {number[]} */
export function apart(wanted, gap, top, bottom) {
  const order = wanted.map((_, k) => k).sort((a, b) => wanted[a] - wanted[b]), place = [...wanted];
  for (let round = 0; round < 60; round++) for (let k = 0; k + 1 < order.length; k++) {
    const short = gap - (place[order[k + 1]] - place[order[k]]);
    if (short > 0) [place[order[k]], place[order[k + 1]]] = [place[order[k]] - short / 2, place[order[k + 1]] + short / 2];
  }
  let edge = top;
  for (const k of order) edge = (place[k] = Math.max(place[k], edge)) + gap;
  edge = bottom;
  for (const k of order.reverse()) edge = (place[k] = Math.min(place[k], edge)) - gap;
  return place;
}

/** Contour lines of `f` (a function of pixels) as the `d` of one path, by marching squares.
 * @param {(x: number, y: number) => number} f @param {number} width @param {number} height @param {number[]} levels @param {number} [step] pixels between samples */
export function contours(f, width, height, levels, step = 4) {
  const columns = Math.ceil(width / step), rows = Math.ceil(height / step), parts = [];
  const grid = Array.from({ length: rows + 1 }, (_, r) => Array.from({ length: columns + 1 }, (_, c) => f(c * step, r * step)));
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
    const corners = [[c, r], [c + 1, r], [c + 1, r + 1], [c, r + 1]], value = corners.map(([i, j]) => grid[j][i]);
    const low = Math.min(...value), high = Math.max(...value);
    for (const level of levels) {
      if (level <= low || level > high) continue;
      const cuts = [];
      for (let k = 0; k < 4; k++) {
        const m = (k + 1) % 4;
        if (value[k] < level === value[m] < level) continue;
        const t = (level - value[k]) / (value[m] - value[k]);
        cuts.push([0, 1].map((d) => (step * (corners[k][d] + t * (corners[m][d] - corners[k][d]))).toFixed(1)).join(" "));
      }
      for (let k = 0; k + 1 < cuts.length; k += 2) parts.push(`M${cuts[k]}L${cuts[k + 1]}`);
    }
  }
  return parts.join("");
}

/**
 * A button that steps a trait from its value to the last, once it is pressed; from the end it begins again. Who asked
 * the system for less motion gets the last step at once.
 * @param {{label: string, get: () => number, set: (x: number) => void, last: () => number, every?: number, guard: (f: Function) => any}} spec  `every`: milliseconds a step
 * @returns {{node: HTMLElement, draw: () => void}}
 */
export function player({ label, get, set, last, every = 350, guard }) {
  let timer = 0;
  const stop = () => { clearInterval(timer); timer = 0; draw(); };
  const tick = guard(() => (!node.isConnected || get() >= last() ? stop() : set(get() + 1)));
  const node = button(label, guard(() => {
    if (timer) return stop();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return set(last());
    if (get() >= last()) set(0);
    timer = setInterval(tick, every);
    draw();
  }));
  const draw = () => { node.textContent = timer ? "⏸ Pause" : `▶ ${label}`; };
  draw();
  return { node, draw };
}
