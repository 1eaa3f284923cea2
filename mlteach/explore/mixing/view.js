// TaskMixer: two tasks of characters, a share between them, and what each way to mix has gained. The mixture and the words are
// __init__.py's; a test compares the two.
import { choice, explorer, h, layout, sig, slider } from "../base/base.js";

/** @typedef {{share: number, how: string, pair: number, count: number}} State */

const KEYS = ["share", "how", "pair", "count", "gains"], CLASSES = 3, PAIRS = 6, CORNER = [0.4, 0.5];
const SIDES = { pictures: 28, box: 28, hidden: 14 };
const WAYS = { pictures: "the pictures, pixel by pixel", box: "a box (CutMix)", hidden: "the maps after block 1" };
const ARM_OF = { pictures: "", box: "CutMix", hidden: "hidden mix" };
const MIXES = ["hidden mix", "CutMix", "label-sharing"];
/** In this order; a stored page sorts its keys. */
const ARMS = ["label-sharing", "dropout", "hidden mix", "CutMix", "centring", "bend", "shift", "rotations", "shift + bend", "rotations + mix", "shift + bend + mix"];

/** Values 0 to 255 of pictures side by side, mixed. @param {ArrayLike<number>} first @param {ArrayLike<number>} second
 * @param {number} share @param {string} how @returns {Float64Array} */
export function mixture(first, second, share, how) {
  if (how !== "box") return Float64Array.from({ length: first.length }, (_, k) => share * first[k] + (1 - share) * second[k]);
  const side = SIDES[how], size = Math.floor(side * Math.sqrt(1 - share) + 0.5), [top, left] = CORNER.map((part) => Math.floor(part * (side - size)));
  return Float64Array.from({ length: first.length }, (_, k) => {
    const row = Math.floor(k / side) % side, column = k % side;
    return row >= top && row < top + size && column >= left && column < left + size ? second[k] : first[k];
  });
}

/** The root of the mean squared difference, as a share of the whole range. */
export function distance(a, b) {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] - b[k]) ** 2;
  return Math.sqrt(sum / a.length) / 255;
}

/** The two tasks of a pair, as they are or as block 1 sees them. @param {{pictures: ArrayLike<number>, maps: ArrayLike<number>}} data */
export function tasks({ pictures, maps }, { pair, how }) {
  const from = how === "hidden" ? maps : pictures, size = CLASSES * SIDES[how] ** 2;
  return [0, 1].map((task) => Array.prototype.slice.call(from, (2 * pair + task) * size, (2 * pair + task + 1) * size));
}

/** @param {State & {gains: any}} state @returns {string} */
export function summary(data, { share, how, pair, count, gains }) {
  const [first, second] = tasks(data, { pair, how }), mixed = mixture(first, second, share, how), gain = gains[count][ARM_OF[how]];
  const text = `Pair ${pair + 1} of ${PAIRS}, a share of ${sig(share)} of task i, mixed: ${WAYS[how]}. The mixture is ${sig(distance(mixed, first))} from task i and ${sig(distance(mixed, second))} from task j, of at most 1.`;
  return gain ? `${text} With ${count} characters ${ARM_OF[how]} gained ${sig(gain[0])} ± ${sig(gain[1])} points.` : text;
}

/** Ink in the colour of the text, so that it is seen on light and on dark paper. */
function paint(canvas, values, side) {
  const pen = canvas.getContext("2d"), [r, g, b] = (getComputedStyle(canvas).color.match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  canvas.width = canvas.height = side;
  const image = pen.createImageData(side, side);
  for (let k = 0; k < side * side; k++) image.data.set([r, g, b, values[k]], 4 * k);
  pen.putImageData(image, 0, 0);
}

function render(host) {
  return explorer(host, { title: "Between two tasks", watch: KEYS }, (view) => {
    const { get, set } = view;
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const data = { pictures: bytes(get("pictures")), maps: bytes(get("maps")) };

    const columns = ["task i", "mixture", "task j"].map((name) => ({ name, papers: Array.from({ length: CLASSES }, () => h("canvas", { "aria-hidden": "true" })) }));
    const board = h("div", { class: "mlx-mixing", role: "img" },
      ...columns.map(({ name, papers }) => h("div", { class: "mlx-mixing-column" }, h("span", {}, name), ...papers)));

    const body = h("tbody"), caption = h("caption");
    const table = h("table", { class: "mlx-mixing-gains" }, caption, h("thead", { class: "mlx-hidden" }, h("tr", {}, h("th", { scope: "col" }, "in training"),
      h("th", { scope: "col" }, "bar"), h("th", { scope: "col" }, "points"))), body);
    let listed = "";
    /** A bar for each arm, as long as its gain, and a thin line as long as its interval. */
    function bars({ gains, count, how }) {
      const now = JSON.stringify([gains, count, how]);
      if (now === listed) return;
      listed = now;
      const ends = Object.values(gains).flatMap((arms) => Object.values(arms).flatMap(([value, half]) => [value - half, value + half]));
      const least = Math.min(0, ...ends), most = Math.max(1, ...ends), at = (points) => (95 * (points - least)) / (most - least);
      /** From one number of points to another. */
      const span = (node, from, to) => Object.assign(node.style, { left: `${at(Math.min(from, to))}%`, width: `${Math.abs(at(to) - at(from))}%` });
      caption.textContent = `Points gained over a plain network with ${count} characters, 300 steps, over five sets`;
      body.replaceChildren(...ARMS.filter((arm) => arm in gains[count]).map((arm) => {
        const [value, half] = gains[count][arm];
        const [bar, reach, zero] = ["bar", "reach", "zero"].map((name) => h("div", { class: `mlx-mixing-${name}` }));
        span(bar, 0, value);
        span(reach, value - half, value + half);
        zero.style.left = `${at(0)}%`;
        return h("tr", { class: `${MIXES.includes(arm) ? "mlx-mixing-mix" : ""} ${arm === ARM_OF[how] ? "mlx-mixing-here" : ""}` }, h("th", { scope: "row" }, arm),
          h("td", { class: "mlx-mixing-track" }, bar, reach, zero), h("td", {}, `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)} ± ${half.toFixed(1)}`));
      }));
    }

    const share = slider({ label: "share λ of task i", hue: "fg", min: 0, max: 1, step: 0.01, get: () => get("share"), set: (share) => set({ share }) });
    const how = choice({ label: "Where to mix", options: [{ value: "pictures", text: "pictures" }, { value: "box", text: "box (CutMix)" }, { value: "hidden", text: "after block 1" }],
      get: () => get("how"), set: (how) => set({ how }) });
    const pair = slider({ label: "pair of tasks", min: 0, max: PAIRS - 1, step: 1, show: (k) => `${k + 1}`, get: () => get("pair"), set: (pair) => set({ pair }) });
    const count = choice({ label: "Training characters, for the gains", options: [20, 60].map((value) => ({ value, text: String(value) })),
      get: () => get("count"), set: (count) => set({ count }) });
    layout(view, { picture: [board], controls: [share.node, how.node, pair.node, count.node, table] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener?.("change", () => view.redraw());

    return {
      summary: () => summary(data, state()),
      draw() {
        const now = state(), side = SIDES[now.how], [first, second] = tasks(data, now);
        for (const control of [share, how, pair, count]) control.draw();
        [first, mixture(first, second, now.share, now.how), second].forEach((values, c) =>
          columns[c].papers.forEach((paper, k) => paint(paper, values.slice(k * side * side, (k + 1) * side * side), side)));
        board.setAttribute("aria-label", `Three classes of task i on the left, of task j on the right, and their mixtures between them: ${WAYS[now.how]}, a share of ${sig(now.share)} of task i`);
        bars(now);
      },
    };
  });
}

export default { render };
