// Pictures: a plot in CSS pixels, scales, axes, curves, contour lines, and names at the lines.
import { d3 } from "./d3.js";
import { ask, clamp, escape, h, s } from "./dom.js";

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
    ask(node);
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

const path = d3.line().digits(1);
/** The `d` of a path through points in pixels. @param {[number, number][]} points @returns {string} */
export const line = (points) => path(points) ?? "";

/** The picture with its caption. @param {string} caption @param {...Node} parts */
export const figure = (caption, ...parts) => h("figure", { class: "mlx-figure" }, h("figcaption", {}, caption), ...parts);

/** Round numbers from `low` to `high` for an axis, about `count` of them. @param {number} low @param {number} high @param {number} [count] @returns {number[]} */
export const ticks = (low, high, count = 5) => d3.ticks(low, high, count);

/**
 * Markup of a frame of two axes: lines across at `ys`, numbers at both, and what they count in words. No screen reader reads it: the
 * picture has a name, and the numbers one by one would drown it.
 * @param {{x: any, y: any, xs: number[], ys: number[], left: number, right: number, bottom: number, xLabel: string, yLabel?: string,
 *          xText?: (v: number) => string|number, yText?: (v: number) => string|number}} spec  `x`, `y`: scales; `left`, `right`, `bottom`: of the frame, in pixels
 */
export function axes({ x, y, xs, ys, left, right, bottom, xLabel, yLabel = "", xText = (v) => v, yText = (v) => v }) {
  return `<g aria-hidden="true">` + ys.map((v) => `<path class="mlx-grid" d="M${left} ${y(v).toFixed(1)}H${right}"/><text x="${left - 6}" y="${(y(v) + 4).toFixed(1)}" text-anchor="end">${escape(yText(v))}</text>`).join("")
    + xs.map((v) => `<text x="${x(v).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${escape(xText(v))}</text>`).join("")
    + `<text x="${(left + right) / 2}" y="${bottom + 35}" text-anchor="middle">${escape(xLabel)}</text>`
    + (yLabel && `<text x="${left + 4}" y="${Math.min(...ys.map(y)) + 15}">${escape(yLabel)}</text>`) + "</g>";
}

/** Markup of a name at a line, in its hue. @param {number} x @param {number} y @param {string} text @param {string} hue @param {string} [anchor] */
export const named = (x, y, text, hue, anchor = "start") =>
  `<text class="mlx-name" style="--hue: var(--${hue})" x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escape(text)}</text>`;

/** Markup of a curve through points in pixels. @param {[number, number][]} points @param {string} hue @param {string} [attributes] */
export const stroke = (points, hue, attributes = "") => `<path class="mlx-curve" style="--hue: var(--${hue})" d="${line(points)}" ${attributes}/>`;

/** The `d` of dots at points, a path to fill: a stroke of no length with round ends is not drawn alike everywhere.
 * @param {[number, number][]} points @param {number} r */
export const dots = (points, r) => points.map(([x, y]) => `M${(x - r).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`).join("");

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

/** Every level's ground, the part where `f` (of pixels) is at least so high, as the `d` of a path a level.
 * @param {(x: number, y: number) => number} f @param {number} width @param {number} height @param {number[]} levels @param {number} [step] pixels between samples */
export function grounds(f, width, height, levels, step = 4) {
  // One sample beyond each edge, so that the grounds close outside of the picture and no line runs along its edge.
  const columns = Math.ceil(width / step) + 4, rows = Math.ceil(height / step) + 4, grid = new Float64Array(columns * rows);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) grid[r * columns + c] = f((c - 1.5) * step, (r - 1.5) * step);
  const place = (p) => (step * (p - 2)).toFixed(1);
  return d3.contours().size([columns, rows]).thresholds(levels)(grid).map(({ coordinates }) =>
    coordinates.flat().map((ring) => `M${ring.map(([x, y]) => `${place(x)} ${place(y)}`).join("L")}Z`).join(""));
}

/** Contour lines of `f` (a function of pixels) as the `d` of one path.
 * @param {(x: number, y: number) => number} f @param {number} width @param {number} height @param {number[]} levels @param {number} [step] pixels between samples */
export const contours = (f, width, height, levels, step = 4) => grounds(f, width, height, levels, step).join("");

let pen;
const lengths = new Map();
/** How long a name is in a picture, in pixels. @param {string} text */
export function long(text) {
  if (!lengths.has(text)) {
    pen ??= Object.assign(document.createElement("canvas").getContext("2d"), { font: '700 14px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif' });
    lengths.set(text, pen.measureText(text).width);
  }
  return lengths.get(text);
}

/** Points no further than `gap` apart on the lines between some. @param {[number, number][]} points @param {number} [gap] @returns {[number, number][]} */
const dense = (points, gap = 6) => points.flatMap(([x, y], k) => {
  if (!k) return [[x, y]];
  const [a, b] = points[k - 1], n = clamp(Math.ceil(Math.hypot(x - a, y - b) / gap), 1, 200);
  return Array.from({ length: n }, (_, m) => [a + ((m + 1) / n) * (x - a), b + ((m + 1) / n) * (y - b)]);
});

const AROUND = [10, 16, 24, 34, 46, 60, 80].flatMap((d) => [[1, 0], [1, -1], [1, 1], [-1, 0], [-1, -1], [-1, 1], [0, -1], [0, 1]]
  .map(([right, down]) => [right, down, d]));

/**
 * Markup of names at what they name: near their points, inside the picture, never on one another, and clear of lines as
 * far as there is room. The first has the first choice.
 * @param {{at: [number, number], text: string, hue: string}[]} names  `at`: in pixels
 * @param {{width: number, height: number, left?: number, bottom?: number, lines?: [number, number][][], boxes?: number[][]}} room
 *        `left`, `bottom`: kept free for an axis; `lines`: to stay clear of; `boxes`: [left, top, right, bottom], taken
 * @returns {string}
 */
export function labels(names, { width, height, left = 0, bottom = 0, lines = [], boxes = [] }) {
  const ink = lines.flatMap((points) => dense(points)), taken = [...boxes], tall = 17;
  return names.map(({ at: [x, y], text, hue }) => {
    const wide = long(text) + 2;
    let best = null, least = Infinity;
    for (const [right, down, d] of AROUND) {
      const a = clamp(right > 0 ? x + d : right < 0 ? x - d - wide : x - wide / 2, left + 3, Math.max(width - wide - 3, left + 3));
      const b = clamp(y + down * d * (right ? 0.8 : 1) - tall / 2, 2, height - bottom - tall - 2), box = [a, b, a + wide, b + tall];
      const meets = (other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1];
      let cost = d / 20 + 1000 * taken.filter(meets).length;
      if (cost >= least) continue;
      for (const [p, q] of ink) if (p > box[0] - 4 && p < box[2] + 4 && q > box[1] - 3 && q < box[3] + 3) cost += 1;
      if (cost < least) [best, least] = [box, cost];
      if (least < 1) break;
    }
    taken.push(best);
    return named(best[0] + 1, best[3] - 4, text, hue);
  }).join("");
}

/** Decades of a logarithmic axis between two powers of ten, at most `count` of them. @param {number} low @param {number} high @param {number} [count] */
export function decades(low, high, count = 5) {
  const every = Math.max(Math.ceil((high - low) / count), 1);
  return Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, k) => low + k * every);
}
/** A power of ten as a tick says it. @param {number} k */
export const power = (k) => (Math.abs(k) < 4 ? String(Number((10 ** k).toPrecision(1))) : `1e${k}`);

/**
 * A plot of curves with axes, and their names at their ends. All in data units; logarithms are the caller's.
 * @param {{width: number, height: number, x: [number, number], y: [number, number], xLabel: string, yLabel?: string, xs?: number[], ys?: number[],
 *          xText?: (v: number) => string|number, yText?: (v: number) => string|number, left?: number,
 *          curves: {points: [number, number][], hue: string, name?: string, attributes?: string, ghost?: boolean}[]}} spec
 * @returns {{back: string, front: string, x: any, y: any}}  markup of the two layers, and the scales
 */
export function chart({ width, height, x: [x0, x1], y: [y0, y1], xLabel, yLabel, xs = ticks(x0, x1, width / 90), ys = ticks(y0, y1, height / 50), xText, yText, left = 46, curves }) {
  const x = scale(x0, x1, left, width - 14), y = scale(y0, y1, height - 42, yLabel ? 28 : 12);
  const drawn = curves.map((curve) => ({ ...curve, points: curve.points.map(([a, b]) => /** @type {[number, number]} */ ([x(a), y(b)])) }));
  const named = drawn.filter(({ name, points }) => name && points.length);
  return { x, y,
    back: axes({ x, y, xs, ys, left, right: width - 14, bottom: height - 42, xLabel, xText, yText }) + (yLabel ? `<text x="8" y="16">${escape(yLabel)}</text>` : ""),
    front: drawn.map(({ points, hue, attributes = "", ghost }) => (ghost ? `<g class="mlx-ghost">${stroke(points, hue, attributes)}</g>` : stroke(points, hue, attributes))).join("")
      + labels(named.map(({ points, name, hue }) => ({ at: points.at(-1), text: name, hue })),
        { width, height, left, bottom: 42, lines: drawn.filter(({ ghost }) => !ghost).map(({ points }) => points), boxes: [[0, 0, yLabel ? 8 + long(yLabel) : 0, 22]] }) };
}
