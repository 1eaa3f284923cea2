// Permutations: one task under all 120 label orders. The numbers and the words are __init__.py's; a test compares the two.
import { button, chart, choice, dots, explorer, floats, h, layout, long, named, plot, player, pointer, s, sig, slider, tween } from "../base/base.js";

/** @typedef {{task: number, at: number, order: number, steps: number[], last_task: number, last_look: number}} State */

const KEYS = ["task", "at", "order"], WAYS = 5, SIDE = 28;

/** All orders of 0 .. n - 1, as itertools.permutations gives them. @param {number[]} of @returns {number[][]} */
export const orders = (of) => (of.length ? of.flatMap((first) => orders(of.filter((x) => x !== first)).map((rest) => [first, ...rest])) : [[]]);

const ORDERS = orders([0, 1, 2, 3, 4]), MANY = ORDERS.length;
/** Which number each character of the task got. @param {number} order */
export const said = (order) => ORDERS[order].map((label) => label + 1).join(" ");

/** Percent right of one head (0: learned, 1: zeros) under all orders. @param {ArrayLike<number>} shares @param {State} state @param {number} head @returns {number[]} */
export function percent(shares, { task, at, last_task, last_look }, head) {
  const from = ((head * (last_task + 1) + task) * (last_look + 1) + at) * MANY;
  return Array.from({ length: MANY }, (_, k) => 100 * shares[from + k]);
}

/** Mean, best and worst, and which orders they are: the first of equals. @param {number[]} values */
export function numbers(values) {
  const best = Math.max(...values), worst = Math.min(...values);
  return { mean: values.reduce((a, b) => a + b, 0) / values.length, best, worst, best_order: values.indexOf(best), worst_order: values.indexOf(worst) };
}

/** @param {ArrayLike<number>} shares @param {State} state @returns {string} */
export function summary(shares, state) {
  const [learned, zero] = [0, 1].map((head) => percent(shares, state, head)), a = numbers(learned), b = numbers(zero), k = state.steps[state.at];
  const flat = b.best === b.worst ? `${sig(b.best, 3)} % in every order` : `${sig(b.worst, 3)} to ${sig(b.best, 3)} %`;
  return `Task ${state.task + 1} of ${state.last_task + 1} after ${k} inner step${k === 1 ? "" : "s"}. Learned head: ${sig(a.mean, 3)} % right on average, `
    + `${sig(a.worst, 3)} to ${sig(a.best, 3)} % over 120 label orders, ${sig(learned[state.order], 3)} % in the marked one, ${said(state.order)}. Head of zeros: ${flat}.`;
}

/** The ink of one picture as the `d` of a path of unit squares. @param {ArrayLike<number>} pixels @param {number} from */
function ink(pixels, from) {
  let d = "";
  for (let y = 0; y < SIDE; y++) for (let x = 0; x < SIDE; x++) if (pixels[from + y * SIDE + x] > 0.5) d += `M${x} ${y}h1v1h-1z`;
  return d;
}

function render(host) {
  return explorer(host, { title: "One task, numbered in 120 ways", watch: KEYS }, (view) => {
    const { get, set, guard } = view;
    const shares = floats(get("shares")), pictures = floats(get("pictures"));
    /** @returns {any} */
    const state = () => Object.fromEntries([...KEYS, "steps", "last_task", "last_look"].map((key) => [key, get(key)]));
    const step = (way) => set({ order: (get("order") + way + MANY) % MANY });

    const board = plot({ label: "Right answers under each label order", ratio: (width) => (width < 460 ? 0.72 : 0.52) });
    let place = (x) => x, heights = [];
    board.node.addEventListener("click", guard((event) => {
      const [px, py] = pointer(board.node, event);
      let nearest = 0, least = Infinity;
      heights.forEach((y, k) => {
        const far = Math.hypot(place(k) - px, y - py);
        if (far < least) [nearest, least] = [k, far];
      });
      set({ order: nearest });
    }));

    const faces = Array.from({ length: WAYS }, () => s("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "mlx-orders-ink", role: "img" }, s("path", {})));
    const rows = ["best", "worst", "marked"].map((name) => ({ name, cells: faces.map(() => h("td")), share: h("td", { class: "mlx-orders-share" }) }));
    const table = h("table", { class: "mlx-orders" }, h("caption", { class: "mlx-hidden" }, "The labels that the task's characters got in the best, the worst and the marked order"),
      h("thead", {}, h("tr", {}, h("td"), ...faces.map((face) => h("th", { scope: "col" }, face)), h("th", { scope: "col" }, "right"))),
      h("tbody", {}, ...rows.map(({ name, cells, share }) => h("tr", {}, h("th", { scope: "row" }, name), ...cells, share))));

    const glide = tween(board.node);
    const play = player({ label: "Play", every: 800, guard, last: () => get("last_look"), get: () => get("at"), set: (at) => set({ at }) });
    const looks = choice({ label: "Inner steps", options: get("steps").map((k, value) => ({ value, text: String(k), hint: `after ${k} inner steps` })), get: () => get("at"), set: (at) => set({ at }) });
    const tasks = choice({ label: "Task", options: Array.from({ length: get("last_task") + 1 }, (_, value) => ({ value, text: String(value + 1) })), get: () => get("task"), set: (task) => set({ task }) });
    const mark = slider({ label: "marked order", min: 0, max: MANY - 1, hue: "warning", show: (k) => said(k), get: () => get("order"), set: (order) => set({ order }) });
    const jump = (which) => () => set({ order: numbers(percent(shares, state(), 0))[which] });
    layout(view, { picture: [board.node, table], controls: [tasks.node, looks.node, play.node, mark.node,
      h("div", { class: "mlx-row" }, button("Best", jump("best_order")), button("Worst", jump("worst_order")), button("Next", () => step(1)))] });

    return {
      summary: () => summary(shares, state()),
      draw() {
        const now = state(), [width, height] = board.size();
        for (const control of [play, looks, tasks, mark]) control.draw();
        const ends = [0, 1].map((head) => percent(shares, now, head)), a = numbers(ends[0]);
        const values = glide.to([...ends[0], ...ends[1]]), learned = values.slice(0, MANY), zero = values.slice(MANY);
        const { back, x, y } = chart({ width, height, x: [0, MANY - 1], y: [0, 100], ys: [0, 20, 40, 60, 80, 100], xs: [0, 23, 47, 71, 95, 119], xText: (k) => k + 1, xLabel: "label order", yLabel: "right answers, %", curves: [] });
        place = x;
        heights = learned.map((v) => y(v));
        board.back.innerHTML = back;
        const at = (k) => /** @type {[number, number]} */ ([x(k), y(learned[k])]);
        const ring = (k, hue) => `<circle class="mlx-orders-ring" style="--hue: var(--${hue})" cx="${at(k)[0].toFixed(1)}" cy="${at(k)[1].toFixed(1)}" r="8"/>`;
        const name = (k, text, dy) => { // inside the picture, whichever side it is on
          const half = long(text) / 2, px = Math.min(Math.max(at(k)[0], 50 + half), width - 16 - half);
          return named(px, at(k)[1] + dy, text, "maml", "middle");
        };
        const low = Math.abs(a.best - a.worst) < 1;
        board.front.innerHTML = `<path class="mlx-orders-dots" style="--hue: var(--maml)" d="${dots(learned.map((_, k) => at(k)), 3.5)}"/>`
          + `<path class="mlx-orders-dots" style="--hue: var(--fg)" d="${dots(zero.map((v, k) => /** @type {[number, number]} */ ([x(k), y(v)])), 2)}"/>`
          + ring(a.best_order, "maml") + ring(a.worst_order, "maml") + ring(now.order, "warning")
          + (low ? name(0, "both heads", -14) : name(a.best_order, "learned head, best", -14) + name(a.worst_order, "worst", 24)
            + named(x(MANY - 1), y(zero[MANY - 1]) + (a.best > 90 ? 18 : -8), "head of zeros", "fg", "end"));
        faces.forEach((face, c) => {
          face.firstChild.setAttribute("d", ink(pictures, (now.task * WAYS + c) * SIDE * SIDE));
          face.setAttribute("aria-label", `character ${c + 1}`);
        });
        [a.best_order, a.worst_order, now.order].forEach((order, r) => {
          ORDERS[order].forEach((label, c) => { rows[r].cells[c].textContent = String(label + 1); });
          rows[r].share.textContent = `${sig(ends[0][order], 3)} %`;
        });
      },
    };
  });
}

export default { render };
