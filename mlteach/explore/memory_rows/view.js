// MemoryRows: the rows of a memory over a recorded sequence. The replay and the words are __init__.py's; a test compares the two.
import { choice, explorer, floats, h, layout, player, sig, slider } from "../base/base.js";

/** @typedef {{learner: string, step: number, sharper: number, labels: number[], answers: Record<string, number[]>, sizes: Record<string, number[]>}} State */
/** @typedef {{heads: number, width: number, slots: number, keys: ArrayLike<number>, vectors: ArrayLike<number>, gates: ArrayLike<number>, sharpness: number}} Asked */
/** @typedef {{rows: Float64Array, usage: Float64Array, write: Float64Array, read: Float64Array, since: number[]}} Moment */

const KEYS = ["learner", "step", "sharper"], STEPS = 30, DECAY = 0.95, EMPTY = 1e-6, SIDE = 28;
const LEARNERS = { paper: "as in the paper", both: "with a strength and a write vector" };

/** What each network asks of its memory, out of one row of numbers. @param {ArrayLike<number>} all @param {Record<string, number[]>} sizes @returns {Record<string, Asked>} */
export function unpacked(all, sizes) {
  let from = 0;
  const take = (count) => Array.prototype.slice.call(all, from, (from += count));
  return Object.fromEntries(Object.keys(LEARNERS).map((name) => {
    const [heads, width, slots] = sizes[name], many = STEPS * heads * width;
    return [name, { heads, width, slots, keys: take(many), vectors: take(many), gates: take(STEPS * heads), sharpness: take(1)[0] }];
  }));
}

/** The memory after each step. @param {Asked} asked @param {number} sharper @returns {Moment[]} */
export function replay({ heads, width, slots, keys, vectors, gates, sharpness }, sharper) {
  let rows = new Float64Array(slots * width).fill(EMPTY), usage = new Float64Array(slots), since = Array(slots).fill(0);
  let read = Array.from({ length: heads }, () => Float64Array.from({ length: slots }, (_, i) => (i ? 0 : 1)));
  const size = (values, from) => {
    let sum = 0;
    for (let n = 0; n < width; n++) sum += values[from + n] ** 2;
    return Math.max(Math.sqrt(sum), EMPTY);
  };
  return Array.from({ length: STEPS }, (_, step) => {
    const used = usage, order = Array.from({ length: slots }, (_, i) => i).sort((a, b) => used[a] - used[b] || a - b).slice(0, heads);
    rows = rows.slice();
    since = since.slice();
    rows.fill(0, order[0] * width, (order[0] + 1) * width);
    order.forEach((row) => { since[row] = step + 1; });
    const write = new Float64Array(slots), sum = new Float64Array(slots), now = usage.map((u) => DECAY * u);
    for (let j = 0; j < heads; j++) {
      const gate = gates[step * heads + j], from = (step * heads + j) * width;
      for (let i = 0; i < slots; i++) {
        const weight = gate * read[j][i] + (i === order[j] ? 1 - gate : 0);
        write[i] += weight;
        if (weight) for (let n = 0; n < width; n++) rows[i * width + n] += weight * vectors[from + n];
      }
    }
    const lengths = Array.from({ length: slots }, (_, i) => size(rows, i * width));
    read = Array.from({ length: heads }, (_, j) => {
      const from = (step * heads + j) * width, length = size(keys, from);
      const fits = lengths.map((long, i) => {
        let product = 0;
        for (let n = 0; n < width; n++) product += keys[from + n] * rows[i * width + n];
        return product / long / length;
      });
      const most = Math.max(...fits), powers = fits.map((fit) => Math.exp(sharper * sharpness * (fit - most))), whole = powers.reduce((a, b) => a + b, 0);
      return Float64Array.from(powers, (power) => power / whole);
    });
    for (const each of read) each.forEach((share, i) => { sum[i] += share; });
    usage = now.map((u, i) => u + sum[i] + write[i]);
    return { rows, usage, write, read: sum, since };
  });
}

/** Rows begun with an earlier picture of the character that is shown now. @param {Moment} moment @param {State} state */
export const same = ({ since }, { labels, step }) => since.map((k) => k > 1 && labels[k - 2] === labels[step - 1]);

const largest = (values) => values.reduce((best, value, i) => (value > values[best] ? i : best), 0);

/** @param {Moment[]} moments @param {State} state @returns {string} */
export function summary(moments, state) {
  const { step, labels, answers, learner, sizes } = state, moment = moments[step - 1], heads = sizes[learner][0], mine = same(moment, state);
  const times = labels.slice(0, step).filter((label) => label === labels[step - 1]).length, right = answers[learner][step - 1] === labels[step - 1] ? "right" : "wrong";
  const read = moment.read.map((x) => x / heads), write = moment.write.map((x) => x / heads), top = largest(read), to = largest(write);
  const lies = read.reduce((sum, x, i) => sum + (mine[i] ? x : 0), 0);
  return `Step ${step} of ${STEPS}, showing ${times} of its character; the network is ${right}. It reads with ${sig(read[top])} in row ${top + 1} at most, and writes with ${sig(write[to])} to row ${to + 1}. `
    + `Of the read, ${sig(100 * lies)} % lies on rows of this character, which are ${mine.filter(Boolean).length} of ${mine.length}.`;
}

const ink = (canvas) => (getComputedStyle(canvas).color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number).slice(0, 3);

/** Ink in the colour of the text. */
function face(canvas, pixels) {
  const pen = canvas.getContext("2d"), image = pen.createImageData(SIDE, SIDE), colour = ink(canvas);
  canvas.width = canvas.height = SIDE;
  for (let k = 0; k < SIDE * SIDE; k++) image.data.set([...colour, pixels[k]], 4 * k);
  pen.putImageData(image, 0, 0);
}

const GAP = 4, BAR = 36;
/** One line of pixels a row: what it holds (blue above zero, orange below), then bars for usage, write and read, each as long as its share of the longest. */
function paint(canvas, { rows, usage, write, read }, mine, width) {
  const slots = usage.length, across = width + 3 * (GAP + BAR) + GAP, pen = canvas.getContext("2d"), colour = ink(canvas);
  canvas.width = across;
  canvas.height = slots;
  const image = pen.createImageData(across, slots), put = (x, y, rgb, alpha) => image.data.set([...rgb, alpha], 4 * (y * across + x));
  const strongest = Math.max(...Array.from(rows, Math.abs), EMPTY);
  for (let i = 0; i < slots; i++) {
    for (let n = 0; n < width; n++) {
      const value = rows[i * width + n] / strongest;
      put(n, i, value > 0 ? [0, 114, 178] : [230, 159, 0], Math.min(255, 255 * Math.abs(value)));
    }
    [usage, write, read].forEach((values, c) => {
      const most = Math.max(...values, EMPTY), from = width + GAP + c * (GAP + BAR);
      for (let n = 0; n < Math.round((BAR * values[i]) / most); n++) put(from + n, i, colour, 220);
    });
    if (mine[i]) for (let n = 0; n < GAP; n++) put(across - GAP + n, i, [213, 94, 0], 255);
  }
  pen.putImageData(image, 0, 0);
}

function render(host) {
  return explorer(host, { title: "The rows of a memory", watch: KEYS }, (view) => {
    const { get, set, guard } = view, asked = unpacked(floats(get("asked")), get("sizes")), bytes = get("pictures");
    const pictures = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    /** @returns {any} */
    const state = () => Object.fromEntries([...KEYS, "labels", "answers", "sizes"].map((key) => [key, get(key)]));
    let done = "", moments = [];
    function replayed() {
      const now = `${get("learner")} ${get("sharper")}`;
      if (now !== done) [done, moments] = [now, replay(asked[get("learner")], get("sharper"))];
      return moments;
    }

    const paper = h("canvas", { role: "img" }), heads = ["rows", "usage", "write", "read"].map((name) => ({ name, note: h("span") }));
    const board = h("div", { class: "mlx-rows" }, ...heads.map(({ name, note }) => h("div", { class: "mlx-rows-name" }, h("b", {}, name), note)), paper);
    const shown = h("canvas", { "aria-hidden": "true" }), told = h("p");
    const learner = choice({ label: "Memory", options: Object.entries(LEARNERS).map(([value, text]) => ({ value, text })), get: () => get("learner"), set: (learner) => set({ learner }) });
    const play = player({ label: "Play", every: 700, guard, last: () => STEPS - 1, get: () => get("step") - 1, set: (at) => set({ step: at + 1 }) });
    const step = slider({ label: "step", min: 1, max: STEPS, step: 1, show: (k) => `${k}`, get: () => get("step"), set: (step) => set({ step }) });
    const sharper = slider({ label: "read, times as sharp", hue: "warning", min: 1, max: 20, step: 0.1, get: () => get("sharper"), set: (sharper) => set({ sharper }) });
    layout(view, { picture: [board], controls: [h("div", { class: "mlx-rows-now" }, shown, told), learner.node, step.node, play.node, sharper.node,
      h("p", { class: "mlx-note" }, h("span", { class: "mlx-rows-key" }), "rows begun with an earlier picture of this character")] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener?.("change", () => view.redraw());

    return {
      summary: () => summary(replayed(), state()),
      draw() {
        const now = state(), all = replayed(), moment = all[now.step - 1], mine = same(moment, now), label = now.labels[now.step - 1], says = now.answers[now.learner][now.step - 1];
        for (const control of [learner, play, step, sharper]) control.draw();
        paint(paper, moment, mine, now.sizes[now.learner][1]);
        face(shown, pictures.subarray((now.step - 1) * SIDE * SIDE, now.step * SIDE * SIDE));
        const times = now.labels.slice(0, now.step).filter((each) => each === label).length;
        told.textContent = `Showing ${times} of the character with label ${label}. The network says ${says}: ${says === label ? "right" : "wrong"}.`;
        const parts = { usage: moment.usage, write: moment.write, read: moment.read }, many = now.sizes[now.learner][0];
        for (const { name, note } of heads) note.textContent = name === "rows" ? `${moment.usage.length} × ${now.sizes[now.learner][1]}` : `longest ${sig(Math.max(...parts[name]) / (name === "usage" ? 1 : many))}`;
        paper.setAttribute("aria-label", `The ${moment.usage.length} rows of the memory after step ${now.step}, one line each: what they hold, and bars for usage, write and read`);
      },
    };
  });
}

export default { render };
