// MetricMap: five characters in a plane of a learned space, a query to drag or to draw, and what three methods say of it. The
// mathematics and the words are __init__.py's; a test compares the two.
import { button, choice, contours, explorer, floats, h, handle, layout, plot, scale, sig, slider } from "../base/base.js";
import { bodyOf, features } from "../base/conv4.js";
import { PIXELS, SIDE, ink, padOf } from "../base/pen.js";

/** @typedef {{query: number, dx: number, dy: number, scale: number, shots: number, strokes: number[][]}} State */

const KEYS = ["query", "dx", "dy", "scale", "shots", "strokes"], CLASSES = 5, SUPPORT = 5, QUERIES = 2, FEATURES = 128, EACH = SUPPORT + QUERIES, FILTERS = FEATURES / 4;
const OWN = CLASSES * QUERIES; // the query that somebody drew
const NAMES = "ABCDE", HUES = ["maml", "warning", "reptile", "lstm", "metric"], PROTOTYPE_SCALE = 0.05, FAR = 5.4;

const dot = (a, b) => { let sum = 0; for (let k = 0; k < FEATURES; k++) sum += a[k] * b[k]; return sum; };
const rows = (flat, count, size = FEATURES) => Array.from({ length: count }, (_, k) => flat.slice(k * size, (k + 1) * size));
const indexOf = (query) => Math.floor(query / QUERIES) * EACH + SUPPORT + (query % QUERIES);
const best = (values) => values.reduce((top, value, k) => (value > values[top] ? k : top), 0);
function shares(logits) {
  const most = Math.max(...logits), each = logits.map((x) => Math.exp(x - most)), sum = each.reduce((a, b) => a + b, 0);
  return each.map((x) => x / sum);
}

/** The map as rows of numbers. @param {{features: ArrayLike<number>, plane: ArrayLike<number>, theta: DataView, pictures: Uint8Array}} data */
export function read(data) {
  const list = (x) => Array.prototype.slice.call(x), every = rows(list(data.features), CLASSES * EACH), [centre, u, v] = rows(list(data.plane), 3);
  const place = (f) => { const off = f.map((x, k) => x - centre[k]); return [dot(off, u), dot(off, v)]; };
  let body, statistics, drawn = "", found;
  /** The features of strokes, by the statistics of the recorded drawings. The network is read when somebody first draws. */
  function hand(strokes) {
    if (!body) {
      body = bodyOf(data.theta, FILTERS);
      ({ statistics } = features(body, rows(data.pictures, CLASSES * EACH, PIXELS), "flatten"));
    }
    if (drawn !== JSON.stringify(strokes)) {
      const [row] = features(body, [ink(strokes)], "flatten", statistics).rows; // a place after a place; the package has a filter after a filter
      found = Array.from({ length: FEATURES }, (_, k) => row[(k % 4) * FILTERS + Math.floor(k / 4)]);
      drawn = JSON.stringify(strokes);
    }
    return found;
  }
  /** The query where the network puts it. @param {State} state */
  const home = ({ query, strokes }) => (query === OWN ? hand(strokes) : every[indexOf(query)]);
  return { every, u, v, place, home };
}

/** A function of how far the query was moved, (dx, dy) -> {matching, prototypes, nearest}. Products are taken once, so that it can be
 * asked all over a picture. @param {ReturnType<typeof read>} map @param {State} state */
export function answering({ every, u, v, home }, state) {
  const { scale: t, shots } = state, own = home(state);
  const products = (f) => [dot(own, f), dot(u, f), dot(v, f), dot(f, f)];
  const support = Array.from({ length: CLASSES }, (_, c) => every.slice(c * EACH, c * EACH + shots));
  const drawings = support.flat().map(products);
  const centres = support.map((each) => products(each[0].map((_, k) => each.reduce((sum, f) => sum + f[k], 0) / shots)));
  const self = [dot(own, own), dot(own, u), dot(own, v), dot(u, u), dot(u, v), dot(v, v)];
  return (dx, dy) => {
    const length = self[0] + 2 * dx * self[1] + 2 * dy * self[2] + dx * dx * self[3] + 2 * dx * dy * self[4] + dy * dy * self[5];
    const with_ = ([q, a, b]) => q + dx * a + dy * b, far = (p) => length - 2 * with_(p) + p[3];
    const attention = shares(drawings.map((p) => (t * with_(p)) / Math.sqrt(p[3] * length)));
    const matching = support.map((_, c) => attention.slice(c * shots, (c + 1) * shots).reduce((a, b) => a + b, 0));
    const near = best(drawings.map((p) => -far(p)));
    return { matching, prototypes: shares(centres.map((p) => -PROTOTYPE_SCALE * far(p))), nearest: Math.floor(near / shots), drawing: near };
  };
}

/** @param {ReturnType<typeof read>} map @param {State} state @returns {string} */
export function summary(map, state) {
  const { query, dx, dy, scale: t, shots, strokes } = state, said = answering(map, state)(dx, dy), k = best(said.matching), c = best(said.prototypes);
  const where = dx || dy ? `, moved by ${sig(dx)} across and ${sig(dy)} up` : "", shown = shots === 1 ? "one drawing of each class" : `${shots} drawings of each class`;
  const which = query < OWN ? `Query ${query + 1}, a drawing of class ${NAMES[Math.floor(query / QUERIES)]}` : strokes.length ? "Your drawing" : "An empty sheet";
  return `${which}${where}, beside ${shown}. The nearest drawing is of class ${NAMES[said.nearest]}. Prototypes say ${NAMES[c]}, with a share of ${sig(said.prototypes[c])}. Matching with t = ${sig(t)} says ${NAMES[k]}, with a share of ${sig(said.matching[k])}.`;
}

/** The ink of a drawing as the `d` of a path of rows, one unit a pixel. @param {ArrayLike<number>} pixels @returns {string} */
function outline(pixels) {
  let d = "";
  for (let y = 0; y < SIDE; y++) for (let x = 0; x < SIDE; x++) if (pixels[y * SIDE + x] > 90) {
    let wide = 1;
    while (x + wide < SIDE && pixels[y * SIDE + x + wide] > 90) wide++;
    d += `M${x} ${y}h${wide}v1h-${wide}z`;
    x += wide;
  }
  return d;
}

function render(host) {
  return explorer(host, { title: "A learned space, and a query in it", watch: KEYS }, (view) => {
    const { get, set, guard, redraw } = view;
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    const pixels = get("pictures"), bytes = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
    const map = read({ features: floats(get("features")), plane: floats(get("plane")), theta: get("theta"), pictures: bytes });
    const drawn = Array.from({ length: CLASSES * EACH }, (_, k) => outline(bytes.subarray(k * SIDE * SIDE, (k + 1) * SIDE * SIDE)));
    const home = () => map.place(map.home(state()));

    const picture = plot({ label: "The plane of the two widest directions: support drawings, borders of both methods, and the query", ratio: (width) => (width > 560 ? 0.72 : 0.95) });
    let x = scale(-FAR, FAR, 0, 1), y = x;
    const grip = handle({ svg: picture.node, label: "The query", hue: "fg", step: 0.1, guard,
      get: () => { const [a, b] = home(); return [a + get("dx"), b + get("dy")]; },
      set: ([a, b]) => { const [p, q] = home(); set({ dx: Number((a - p).toFixed(3)), dy: Number((b - q).toFixed(3)) }); },
      toData: (px, py) => [x.back(px), y.back(py)], box: () => ({ x: [-FAR, FAR], y: [-FAR, FAR] }) });
    picture.node.append(grip.node);

    const body = h("tbody"), legend = h("p", { class: "mlx-metric-legend" },
      h("span", { class: "mlx-metric-solid" }, "border of matching"), h("span", { class: "mlx-metric-dashed" }, "of prototypes"));
    const table = h("table", { class: "mlx-metric-shares" }, h("thead", {}, h("tr", {}, ...["class", "matching", "prototypes"].map((text) => h("th", { scope: "col" }, text)))), body);
    const cells = Array.from({ length: CLASSES }, (_, c) => {
      const bars = [0, 1].map(() => ({ bar: h("span", { class: "mlx-metric-bar" }), text: h("span", {}) }));
      body.append(h("tr", {}, h("th", { scope: "row", style: `--hue: var(--${HUES[c]})` }, NAMES[c]), ...bars.map(({ bar, text }) => h("td", {}, bar, text))));
      return bars;
    });
    const query = slider({ label: "query", min: 0, max: OWN, step: 1, show: (k) => (k < OWN ? `${k + 1}, a drawing of ${NAMES[Math.floor(k / QUERIES)]}` : "your drawing"), get: () => get("query"), set: (query) => set({ query, dx: 0, dy: 0 }) });
    const t = slider({ label: "inverse temperature t of matching", min: 1, max: 60, step: 1, show: (v) => sig(v), get: () => get("scale"), set: (to) => set({ scale: to }) });
    const shots = choice({ label: "Support drawings of each class", options: [1, SUPPORT].map((value) => ({ value, text: String(value) })), get: () => get("shots"), set: (shots) => set({ shots: Number(shots) }) });
    const back = button("put the query back", () => set({ dx: 0, dy: 0 }));
    const draw = (strokes) => set({ strokes, query: OWN, dx: 0, dy: 0 });
    const pad = padOf({ get: () => get("strokes"), set: draw, redraw, guard });
    const hint = "Draw a character of your own, and see where it lies. Keys: arrows move the pen, Space lowers and lifts it, Backspace undoes, Delete clears.";
    pad.node.title = hint;
    pad.node.firstElementChild.setAttribute("aria-description", hint);
    const undo = button("Undo", () => draw(get("strokes").slice(0, -1))), clear = button("Clear", () => draw([]));
    const hand = h("div", { class: "mlx-metric-hand", role: "group", "aria-label": "Your own hand" }, pad.node,
      h("div", { class: "mlx-metric-words" }, h("p", {}, h("b", {}, "Draw your own: "), "it is the query then."), h("div", { class: "mlx-row" }, undo, clear)));
    layout(view, { picture: [picture.node, legend], controls: [query.node, hand, t.node, shots.node, table, h("div", { class: "mlx-row" }, back)] });

    return {
      summary: () => summary(map, state()),
      draw() {
        const now = state(), [width, height] = picture.size(), ask = answering(map, now), said = ask(now.dx, now.dy), [hx, hy] = home();
        x = scale(-FAR, FAR, 0, width);
        y = scale(-FAR, FAR, height, 0);
        const sheet = ink(now.strokes);
        for (const control of [query, t, shots]) control.draw();
        pad.draw(sheet);
        for (const each of [undo, clear]) each.disabled = !now.strokes.length;
        // Where a class leads all others by nothing: its border. Of each place the shares are asked once.
        const memo = new Map();
        const at = (px, py) => {
          const key = `${px},${py}`;
          if (!memo.has(key)) memo.set(key, ask(x.back(px) - hx, y.back(py) - hy));
          return memo.get(key);
        };
        const lead = (how, c) => (px, py) => { const each = at(px, py)[how]; return Math.log(each[c] + 1e-300) - Math.log(Math.max(...each.filter((_, k) => k !== c)) + 1e-300); };
        const border = (how) => NAMES.split("").map((_, c) => contours(lead(how, c), width, height, [0], 9)).join("");
        const size = Math.max(26, Math.min(46, width / 13)), unit = size / SIDE;
        const near = map.place(map.every[Math.floor(said.drawing / now.shots) * EACH + (said.drawing % now.shots)]), here = [x(hx + now.dx), y(hy + now.dy)];
        const letter = (k, [a, b], hue, extra = "") => `<g class="mlx-metric-ink" style="--hue: var(--${hue})" transform="translate(${(x(a) - size / 2).toFixed(1)} ${(y(b) - size / 2).toFixed(1)}) scale(${unit.toFixed(3)})" ${extra}><path d="${drawn[k]}"/></g>`;
        const support = Array.from({ length: CLASSES }, (_, c) => Array.from({ length: now.shots }, (_, s) => {
          const k = c * EACH + s, [a, b] = map.place(map.every[k]);
          return letter(k, [a, b], HUES[c]) + `<text class="mlx-name" style="--hue: var(--${HUES[c]})" x="${(x(a) + size / 2).toFixed(1)}" y="${(y(b) - size / 2 + 4).toFixed(1)}">${NAMES[c]}</text>`;
        }).join("")).join("");
        picture.back.innerHTML = `<g aria-hidden="true"><path class="mlx-metric-border" d="${border("matching")}"/><path class="mlx-metric-border mlx-metric-second" d="${border("prototypes")}"/>`
          + `<path class="mlx-metric-nearest" d="M${here[0].toFixed(1)} ${here[1].toFixed(1)}L${x(near[0]).toFixed(1)} ${y(near[1]).toFixed(1)}"/>${support}</g>`;
        const asked = now.query === OWN ? outline(sheet) : drawn[indexOf(now.query)];
        picture.front.innerHTML = `<g aria-hidden="true" class="mlx-metric-ink mlx-metric-query" transform="translate(10 ${(height - 1.2 * size - 10).toFixed(1)}) scale(${(1.2 * unit).toFixed(3)})"><rect x="-2" y="-2" width="32" height="32" rx="3"/><path d="${asked}"/></g>`
          + `<text class="mlx-name" aria-hidden="true" style="--hue: var(--fg)" x="${(1.2 * size + 18).toFixed(1)}" y="${(height - 12).toFixed(1)}">query</text>`;
        grip.draw(here[0], here[1]);
        cells.forEach((bars, c) => ["matching", "prototypes"].forEach((how, m) => {
          const share = said[how][c];
          bars[m].bar.style.width = `${(46 * share).toFixed(1)}%`;
          bars[m].text.textContent = `${Math.round(100 * share)} %`;
          bars[m].text.parentElement.classList.toggle("mlx-metric-wins", c === best(said[how]));
        }));
      },
    };
  });
}

export default { render };
