// What every explorer stands in: elements, numbers as text, the frame, and the one loop that draws.

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

const GHOST = 2500; // milliseconds that a ghost stays after the hand let go
const TAKES = "[tabindex], button, input";
const keeping = new WeakMap();

/** Calls for a new picture of the explorer that `node` stands in. @param {Element} node */
export const ask = (node) => node.dispatchEvent(new Event("mlx-redraw", { bubbles: true }));

/** Whether the reader asked the system for less motion: then nothing moves. */
export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

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
 *            redraw: () => void, guard: (f: Function) => any, was: () => Record<string, any> | null,
 *            kept: Record<string, any>}} View  `was`: the watched traits where the drag that goes on, or has just ended,
 *            began, to draw a ghost of it, else null; `kept`: what is no trait and outlives a view, as an open panel does
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

  let waiting = 0, speaking, content, unsaved = false, before = null, forgetting = 0, pressed = null;

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
    if (!keeping.has(model)) keeping.set(model, {});
    content = build({ root, get: (key) => model.get(key), set, redraw, guard, was: () => before, kept: keeping.get(model) });
    paint();
  })();
  // A drag, of whatever in the picture or of a slider, leaves a ghost: what was when it began, until a while after its end.
  frame.addEventListener("pointerdown", ({ target }) => {
    if (!target.closest?.("svg, canvas, input[type=range]")) return;
    clearTimeout(forgetting);
    before = Object.fromEntries(watch.map((key) => [key, model.get(key)]));
  }, true);
  const letGo = () => {
    clearTimeout(forgetting);
    if (before) forgetting = setTimeout(() => { before = null; redraw(); }, GHOST);
  };
  for (const name of ["pointerup", "pointercancel"]) frame.addEventListener(name, letGo, true);
  // What took a press for itself (it prevents the default) takes its click too. In WebKit the click after a captured
  // pointer lands on the svg around it, and would be one more press on the picture.
  frame.addEventListener("pointerdown", (event) => { pressed = event.defaultPrevented ? event.target : null; });
  frame.addEventListener("click", (event) => {
    const taker = pressed?.closest(TAKES) ?? pressed;
    if (pressed && event.detail && !taker.contains(event.target) && event.target.closest("svg")) event.stopPropagation();
    pressed = null;
  }, true);
  for (const key of watch) model.on(`change:${key}`, redraw);
  const sizes = new ResizeObserver(() => content && redraw());
  sizes.observe(frame);
  frame.addEventListener("mlx-redraw", () => content && redraw()); // from a part: a plot that got a size, a playhead that moves
  return () => {
    for (const key of watch) model.off(`change:${key}`, redraw);
    sizes.disconnect();
    cancelAnimationFrame(waiting);
    clearTimeout(speaking);
    clearTimeout(forgetting);
    frame.remove();
  };
}

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

