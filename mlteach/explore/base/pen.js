// A pad to draw on, and the drawing as a picture like Omniglot's own. Its ink is tasks/pen.py's, to the last bit; a test compares the two.
// Not a part of every explorer: a view that draws imports it beside base.js, and brings pen.css along.
import { clamp, h } from "./base.js";

export const SIDE = 28, PIXELS = SIDE * SIDE;
const REACH = 1.15, SLOPE = 0.9; // of the pen, see tasks/pen.py

/** A picture, ink 255, of strokes [x0, y0, x1, y1, ...] in pixels. @param {number[][]} strokes @returns {Uint8Array} */
export function ink(strokes) {
  const canvas = new Float64Array(PIXELS), edge = (v) => clamp(Math.floor(v), 0, SIDE - 1);
  for (const points of strokes) for (let k = 0; k + 1 < points.length; k += 2) {
    if (k + 3 >= points.length && k > 0) break; // the last point was the end of the segment before
    const [ax, ay] = [points[k], points[k + 1]], [bx, by] = [points[k + 2] ?? ax, points[k + 3] ?? ay];
    const dx = bx - ax, dy = by - ay, length = dx * dx + dy * dy;
    const [left, right] = [edge(Math.min(ax, bx) - 2), edge(Math.max(ax, bx) + 2)];
    for (let i = edge(Math.min(ay, by) - 2); i <= edge(Math.max(ay, by) + 2); i++) for (let j = left; j <= right; j++) {
      const x = j + 0.5, y = i + 0.5;
      const along = length ? clamp(((x - ax) * dx + (y - ay) * dy) / length, 0, 1) : 0;
      const ex = x - ax - along * dx, ey = y - ay - along * dy;
      const value = clamp((REACH - Math.sqrt(ex * ex + ey * ey)) / SLOPE, 0, 1);
      if (value > canvas[i * SIDE + j]) canvas[i * SIDE + j] = value;
    }
  }
  return Uint8Array.from(canvas, (v) => Math.floor(255 * v + 0.5));
}

/** Put a picture on a canvas, ink on white paper, unless it is there already. */
export function paint(canvas, picture) {
  if (canvas.picture === picture) return;
  canvas.picture = picture;
  const pen = canvas.getContext("2d"), image = pen.createImageData(SIDE, SIDE);
  for (let i = 0; i < PIXELS; i++) image.data[4 * i + 3] = picture[i];
  pen.putImageData(image, 0, 0);
}
/** A canvas for one picture. */
export const paper = () => h("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" });

/** The square to draw on. `get` and `set`: the strokes. */
export function padOf({ get, set, redraw, guard }) {
  const canvas = h("canvas", { width: SIDE, height: SIDE, class: "mlx-pad", tabindex: 0, role: "application", "aria-label": "Pad to draw on" });
  const dot = h("span", { class: "mlx-pen", "aria-hidden": "true" }), node = h("div", { class: "mlx-paper" }, canvas, dot);
  let pen = [SIDE / 2, SIDE / 2], down = false;
  const tenths = (v) => Math.round(10 * clamp(v, 0, SIDE)) / 10;
  const extend = (points, fresh) => {
    const strokes = get(), last = fresh ? [] : strokes.at(-1) ?? [], longer = [...last];
    for (const [x, y] of points) if (!longer.length || Math.hypot(x - longer.at(-2), y - longer.at(-1)) >= 0.3) longer.push(tenths(x), tenths(y));
    if (longer.length > last.length) set([...(fresh ? strokes : strokes.slice(0, -1)), longer]);
    pen = longer.slice(-2);
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
  };
  const listen = (name, f) => canvas.addEventListener(name, guard(f));
  listen("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ focusVisible: false });
    down = false;
    extend([at(event)], true);
  });
  listen("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    const between = event.getCoalescedEvents?.() ?? [];
    extend((between.length ? between : [event]).map(at), false);
  });
  listen("keydown", (event) => {
    const far = event.shiftKey ? 10 : 1, [x, y] = pen;
    const to = { ArrowLeft: [x - far, y], ArrowRight: [x + far, y], ArrowUp: [x, y - far], ArrowDown: [x, y + far], Home: [2, y], End: [SIDE - 2, y] }[event.key];
    if (to) {
      pen = to.map(tenths);
      if (down) extend([pen], !get().length);
    } else if (event.key === " ") {
      down = !down;
      if (down) extend([pen], true);
    } else if (event.key === "Backspace" || event.key === "Delete") {
      down = false;
      set(event.key === "Delete" ? [] : get().slice(0, -1));
    } else return;
    event.preventDefault();
    redraw();
  });
  listen("blur", () => { down = false; redraw(); });
  listen("focus", redraw);
  return { node, draw(picture) {
    paint(canvas, picture);
    dot.style.left = `${(100 * pen[0]) / SIDE}%`;
    dot.style.top = `${(100 * pen[1]) / SIDE}%`;
    dot.classList.toggle("mlx-down", down);
  } };
}
