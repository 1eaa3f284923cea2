// TwoViews: eight pictures and another view of each that a hand moves, seen by a small network or by nobody. The numbers and
// the words are __init__.py's; a test compares the two.
import { choice, clamp, explorer, floats, h, layout, sig, slider } from "../base/base.js";

/** @typedef {{right: number, down: number, turn: number, bend: number, picture: number, eye: string}} State */
/** @typedef {{kernel: ArrayLike<number>, bias: ArrayLike<number>, from: number}} Block */

const KEYS = ["right", "down", "turn", "bend", "picture", "eye"], COUNT = 8, SIDE = 28, MIDDLE = (SIDE - 1) / 2, FILTERS = 16, BLOCKS = 4, MOST = 6;
const EYES = { views: "a network trained on shifted and bent views", thicken: "a network trained on views by a thicker pen", pixels: "the pixels as they are" };

/** Another view of a picture. @param {ArrayLike<number>} picture @param {State} state @returns {Float64Array} */
export function moved(picture, { right, down, turn, bend }) {
  const c = Math.cos((turn * Math.PI) / 180), s = Math.sin((turn * Math.PI) / 180), out = new Float64Array(SIDE * SIDE);
  const at = (row, column) => (row < 0 || column < 0 || row >= SIDE || column >= SIDE ? 0 : picture[row * SIDE + column]);
  for (let k = 0; k < out.length; k++) {
    const u = (k % SIDE) - MIDDLE - right, v = Math.floor(k / SIDE) - MIDDLE - down, x = c * u + s * v, y = c * v - s * u;
    const px = clamp(x + bend * Math.sin((2 * Math.PI * y) / SIDE) + MIDDLE, -1, SIDE), py = clamp(y + bend * Math.sin((2 * Math.PI * x) / SIDE) + MIDDLE, -1, SIDE);
    const left = Math.min(Math.floor(px), SIDE - 1), top = Math.min(Math.floor(py), SIDE - 1), p = px - left, q = py - top;
    out[k] = (1 - q) * ((1 - p) * at(top, left) + p * at(top, left + 1)) + q * ((1 - p) * at(top + 1, left) + p * at(top + 1, left + 1));
  }
  return out;
}

/** Both networks out of one row of numbers. @param {ArrayLike<number>} weights @returns {Record<string, Block[]>} */
export function networks(weights) {
  let place = 0;
  const take = (count) => Array.prototype.slice.call(weights, place, (place += count));
  return Object.fromEntries(["views", "thicken"].map((name) => [name, Array.from({ length: BLOCKS }, (_, k) => {
    const from = k ? FILTERS : 1;
    return { kernel: take(FILTERS * from * 9), bias: take(FILTERS), from };
  })]));
}

/** A convolution of 3 x 3 with stride 2 and an edge of zeros, then what is above zero. @param {ArrayLike<number>} maps @param {number} side @param {Block} block */
function convolved(maps, side, { kernel, bias, from }) {
  const half = Math.ceil(side / 2), out = new Float64Array(FILTERS * half * half);
  for (let f = 0; f < FILTERS; f++) for (let i = 0; i < half; i++) for (let j = 0; j < half; j++) {
    let sum = bias[f];
    for (let a = 0; a < 3; a++) {
      const row = 2 * i + a - 1;
      if (row < 0 || row >= side) continue;
      for (let b = 0; b < 3; b++) {
        const column = 2 * j + b - 1;
        if (column < 0 || column >= side) continue;
        for (let m = 0; m < from; m++) sum += kernel[((f * from + m) * 3 + a) * 3 + b] * maps[(m * side + row) * side + column];
      }
    }
    out[(f * half + i) * half + j] = Math.max(sum, 0);
  }
  return { maps: out, side: half };
}

/** A picture's row, at length one. @param {Block[] | undefined} net @param {ArrayLike<number>} picture @returns {Float64Array} */
export function rowOf(net, picture) {
  let maps = Float64Array.from(picture, (v) => v / 255), side = SIDE;
  for (const block of net ?? []) ({ maps, side } = convolved(maps, side, block));
  const length = Math.max(Math.hypot(...maps), 1e-12);
  return maps.map((v) => v / length);
}

/** The cosines of each view 2 with each view 1. @param {{pictures: ArrayLike<number>[], nets: Record<string, Block[]>}} data @param {State} state @returns {number[][]} */
export function cosines({ pictures, nets }, state) {
  const net = nets[state.eye], first = pictures.map((each) => rowOf(net, each)), second = pictures.map((each) => rowOf(net, moved(each, state)));
  return second.map((b) => first.map((a) => a.reduce((sum, v, k) => sum + v * b[k], 0)));
}

const largest = (row) => row.indexOf(Math.max(...row));

/** @param {number[][]} similar @param {State} state @returns {string} */
export function summary(similar, { right, down, turn, bend, picture, eye }) {
  const found = similar.filter((row, k) => largest(row) === k).length, near = largest(similar[picture]);
  const said = near === picture ? "its own view 1" : `picture ${near + 1}, a stranger`;
  return `View 2: ${sig(right)} to the right, ${sig(down)} down, turned by ${sig(turn)} degrees, bent by ${sig(bend)}. Seen by ${EYES[eye]}, picture ${picture + 1} has a cosine of `
    + `${sig(similar[picture][picture])} with its own view 1, and the nearest is ${said}. ${found} of ${COUNT} find their partner.`;
}

/** Ink in the colour of the text, so that it is seen on light and on dark paper. */
function paint(canvas, values) {
  const pen = canvas.getContext("2d"), [r, g, b] = (getComputedStyle(canvas).color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  canvas.width = canvas.height = SIDE;
  const image = pen.createImageData(SIDE, SIDE);
  for (let k = 0; k < SIDE * SIDE; k++) image.data.set([r, g, b, values[k]], 4 * k);
  pen.putImageData(image, 0, 0);
}

function render(host) {
  return explorer(host, { title: "Two views of a picture", watch: KEYS }, (view) => {
    const { get, set, guard } = view;
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    const bytes = get("pictures"), pixels = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const data = { pictures: Array.from({ length: COUNT }, (_, k) => pixels.slice(k * SIDE * SIDE, (k + 1) * SIDE * SIDE)), nets: networks(floats(get("weights"))) };
    let kept = { key: "", similar: [[0]] };
    /** Computed once for a state, though words and picture both ask. */
    const similar = () => {
      const key = JSON.stringify(KEYS.filter((each) => each !== "picture").map(get));
      if (key !== kept.key) kept = { key, similar: cosines(data, state()) };
      return kept.similar;
    };

    const first = h("canvas", { "aria-hidden": "true" }), second = h("canvas", { tabindex: 0, role: "application", "aria-label": "View 2: drag it, or move it with the arrow keys", class: "mlx-views-hand" });
    const put = (right, down) => set({ right: Number(clamp(right, -MOST, MOST).toFixed(1)), down: Number(clamp(down, -MOST, MOST).toFixed(1)) });
    let from = null;
    const listen = (name, f) => second.addEventListener(name, guard(f));
    listen("pointerdown", (event) => {
      second.setPointerCapture(event.pointerId);
      second.focus({ preventScroll: true });
      event.preventDefault();
      from = { x: event.clientX, y: event.clientY, right: get("right"), down: get("down") };
    });
    listen("pointermove", (event) => {
      if (!from || !second.hasPointerCapture(event.pointerId)) return;
      const unit = SIDE / second.getBoundingClientRect().width;
      put(from.right + (event.clientX - from.x) * unit, from.down + (event.clientY - from.y) * unit);
    });
    listen("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      put(get("right") + way[0], get("down") + way[1]);
    });
    const sheet = (name, canvas) => h("div", { class: "mlx-views-sheet" }, h("span", {}, name), canvas);

    const heads = Array.from({ length: COUNT }, (_, k) => h("th", { scope: "col" }, String(k + 1)));
    const lines = Array.from({ length: COUNT }, (_, k) => {
      const cells = Array.from({ length: COUNT }, () => h("td")), paper = h("canvas", { "aria-hidden": "true" });
      return { cells, paper, node: h("tr", {}, h("th", { scope: "row" }, String(k + 1)), h("td", { class: "mlx-views-ink" }, paper), ...cells) };
    });
    const matrix = h("table", { class: "mlx-views" }, h("caption", {}, "100 × the cosine of view 2 (rows) with view 1 (columns)"),
      h("thead", {}, h("tr", {}, h("td"), h("td"), ...heads)), h("tbody", {}, ...lines.map(({ node }) => node)));

    const controls = [
      choice({ label: "Seen by", options: [{ value: "views", text: "trained on shift + bend" }, { value: "thicken", text: "trained on thicker pens" }, { value: "pixels", text: "pixels" }],
        get: () => get("eye"), set: (eye) => set({ eye }) }),
      slider({ label: "picture", min: 0, max: COUNT - 1, show: (k) => String(k + 1), get: () => get("picture"), set: (picture) => set({ picture }) }),
      slider({ label: "right, pixels", min: -MOST, max: MOST, step: 0.1, get: () => get("right"), set: (right) => set({ right }) }),
      slider({ label: "down, pixels", min: -MOST, max: MOST, step: 0.1, get: () => get("down"), set: (down) => set({ down }) }),
      slider({ label: "turn, degrees", min: -45, max: 45, step: 1, get: () => get("turn"), set: (turn) => set({ turn }) }),
      slider({ label: "bend, pixels", min: -4, max: 4, step: 0.1, get: () => get("bend"), set: (bend) => set({ bend }) }),
    ];
    layout(view, { picture: [h("div", { class: "mlx-views-sheets" }, sheet("view 1", first), sheet("view 2: drag it", second)), matrix], controls: controls.map(({ node }) => node) });
    matchMedia("(prefers-color-scheme: dark)").addEventListener?.("change", () => view.redraw());

    return {
      summary: () => summary(similar(), state()),
      draw() {
        const now = state(), found = similar();
        for (const control of controls) control.draw();
        paint(first, data.pictures[now.picture]);
        paint(second, moved(data.pictures[now.picture], now));
        found.forEach((row, k) => {
          const { cells, paper, node } = lines[k], near = largest(row);
          node.classList.toggle("mlx-views-here", k === now.picture);
          paint(paper, moved(data.pictures[k], now));
          row.forEach((value, m) => {
            const cell = cells[m];
            cell.textContent = `${value < 0 ? "−" : ""}${Math.abs(Math.round(100 * value))}`;
            cell.style.setProperty("--share", `${Math.round(70 * clamp(value, 0, 1) ** 2)}%`);
            cell.className = m === near ? (m === k ? "mlx-views-right" : "mlx-views-wrong") : "";
          });
        });
      },
    };
  });
}

export default { render };
