// AdaptationViewer: one recorded episode, query by query, before and after every inner step.
import { choice, clamp, explorer, figure, h, line, plot, scale, slider } from "./base.js";

/** @typedef {{ways: number, steps: number, step: number, picked: number, mode: string, modes: string[], names: string[],
 *             query_labels: number[], probabilities: DataView}} State */

const SIDE = 28;

/** Class probabilities of one query. @param {State} state @returns {Float32Array} */
export function probabilities({ ways, steps, modes, query_labels, probabilities: view }, mode, step, query) {
  const first = (((modes.indexOf(mode) * (steps + 1) + step) * query_labels.length) + query) * ways;
  return Float32Array.from({ length: ways }, (_, k) => view.getFloat32(4 * (first + k), true));
}

const largest = (values) => values.indexOf(Math.max(...values));

/** What the network says for each query. @param {State} state @returns {number[]} */
export const answers = (state, mode, step) =>
  state.query_labels.map((_, query) => largest(probabilities(state, mode, step, query)));

const rights = (state, mode, step) => answers(state, mode, step).filter((says, k) => says === state.query_labels[k]).length;
const percent = (part, all) => Math.floor((100 * part) / all + 0.5);

/** @param {State} state @returns {string} */
export function summary(state) {
  const { step, steps, mode, modes, names, picked, query_labels: labels } = state;
  const right = rights(state, mode, step), p = probabilities(state, mode, step, picked), says = largest(p);
  return `After ${step} of ${steps} inner steps${modes.length > 1 ? ` (${mode})` : ""}: ${right} of ${labels.length} queries right `
    + `(${percent(right, labels.length)} %). Query ${picked} is ${names[labels[picked]]}; `
    + `the network says ${names[says]} with probability ${(Math.floor(10 * p[says] + 0.5) / 10).toFixed(1)}.`;
}

/** A picture, ink on white paper. @param {DataView} view @param {number} k @returns {HTMLCanvasElement} */
function picture(view, k) {
  const canvas = h("canvas", { width: SIDE, height: SIDE, "aria-hidden": "true" }), pen = canvas.getContext("2d");
  const image = pen.createImageData(SIDE, SIDE);
  for (let i = 0; i < SIDE * SIDE; i++) image.data[4 * i + 3] = view.getUint8(k * SIDE * SIDE + i);
  pen.putImageData(image, 0, 0);
  return canvas;
}

const KEYS = ["step", "picked", "mode"];
const FIXED = ["ways", "steps", "modes", "names", "support_labels", "query_labels", "probabilities", "support", "query"];

function render(host) {
  return explorer(host, { title: "One episode, before and after each inner step", watch: KEYS }, ({ root, get, set, guard }) => {
    const fixed = Object.fromEntries(FIXED.map((key) => [key, get(key)]));
    /** @returns {any} */
    const state = () => ({ ...fixed, step: get("step"), picked: get("picked"), mode: get("mode") });
    const { ways, steps, modes, names, query_labels: labels, support_labels } = fixed;
    const rows = names.map((_, row) => labels.map((y, k) => (y === row ? k : -1)).filter((k) => k >= 0));
    const order = rows.flat();

    // One row a class: what it learns from, framed; then its queries, each a button with the network's answer under it.
    const tiles = labels.map((_, k) => {
      const badge = h("span", { class: "mlx-badge" });
      const node = h("button", { type: "button", class: "mlx-tile", onclick: () => set({ picked: k }) }, picture(fixed.query, k), badge);
      return { node, badge };
    });
    const class_row = (row) => h("div", { class: "mlx-class", role: "group", "aria-label": `class ${names[row]}` },
      h("span", { class: "mlx-class-name" }, names[row]),
      ...support_labels.flatMap((y, k) => (y === row ? [h("span", { class: "mlx-tile mlx-support" }, picture(fixed.support, k))] : [])),
      h("span", { class: "mlx-queries" }, ...rows[row].map((k) => tiles[k].node)));
    const board = h("div", { class: "mlx-board", onkeydown: guard((event) => {
      const picked = get("picked"), place = order.indexOf(picked), row = labels[picked], column = rows[row].indexOf(picked);
      const other = (way) => {
        for (let r = row + way; r >= 0 && r < ways; r += way) if (rows[r].length) return rows[r][Math.min(column, rows[r].length - 1)];
        return picked;
      };
      const far = event.shiftKey ? 5 : 1, at = (n) => order[clamp(n, 0, order.length - 1)];
      const to = { ArrowRight: () => at(place + far), ArrowLeft: () => at(place - far), ArrowDown: () => other(1), ArrowUp: () => other(-1),
        Home: () => at(0), End: () => at(order.length - 1) }[event.key]?.();
      if (to === undefined) return;
      event.preventDefault();
      set({ picked: to });
      tiles[to].node.focus();
    }) }, ...names.map((_, row) => class_row(row)));

    const large = h("div", { class: "mlx-large" }), said = h("p");
    const bars = names.map((name) => {
      const node = { value: h("span", { class: "mlx-value" }), bar: h("span", { class: "mlx-bar" }), before: h("span", { class: "mlx-before" }), truth: h("span", { class: "mlx-true" }) };
      return { ...node, row: h("li", {}, h("span", {}, name), h("span", { class: "mlx-track" }, node.bar, node.before), node.value, node.truth) };
    });
    const curve = plot({ label: "Share of queries right after each inner step", ratio: () => 0.42 });
    const scrub = slider({ label: "inner steps taken", min: 0, max: steps, hue: "maml", get: () => get("step"), set: (step) => set({ step }),
      show: (x) => (x === 0 ? "0: before adaptation" : `${x} of ${steps}`) });
    const how = modes.length > 1 ? choice({ label: "Batch statistics from", options: [
      { value: "transductive", text: "the query set (transductive)" }, { value: "support", text: "the support set" }],
      get: () => get("mode"), set: (mode) => set({ mode }) }) : null;
    root.append(h("div", { class: "mlx-two" },
      figure("Left of the line: the support set. Right of it: the queries. Pick one, or move with the arrow keys.", board),
      h("div", {}, ...(how ? [how.node] : []), scrub.node,
        figure("Queries right after each inner step (%).", curve.node),
        h("div", { class: "mlx-pick" }, large, h("div", {}, said, h("p", { class: "mlx-key" }, "Bar: now. Tick: before adaptation."), h("ul", { class: "mlx-bars", "aria-label": "Class probabilities" }, ...bars.map(({ row }) => row)))))));

    function accuracies(now) {
      const [width, height] = curve.size(), x = scale(0, Math.max(steps, 1), 46, width - (modes.length > 1 ? 104 : 20)), y = scale(0, 100, height - 36, 20);
      const share = (mode, step) => (100 * rights(now, mode, step)) / labels.length;
      curve.back.innerHTML = [0, 50, 100].map((p) => `<path class="mlx-grid" d="M46 ${y(p)}H${x(steps)}"/><text x="40" y="${y(p) + 4}" text-anchor="end">${p}</text>`).join("")
        + `<path class="mlx-grid" style="stroke: var(--soft); stroke-dasharray: 2 4" d="M46 ${y(100 / ways)}H${x(steps)}"/><text x="${x(steps) - 4}" y="${y(100 / ways) - 5}" text-anchor="end">guessing</text>`
        + Array.from({ length: steps + 1 }, (_, k) => (k % Math.ceil((steps + 1) / 12) ? "" : `<text x="${x(k)}" y="${height - 19}" text-anchor="middle">${k}</text>`)).join("")
        + `<text x="${(46 + x(steps)) / 2}" y="${height - 4}" text-anchor="middle">inner step</text>`;
      const points = modes.map((mode) => Array.from({ length: steps + 1 }, (_, k) => [x(k), y(share(mode, k))]));
      const ends = points.map((p) => p.at(-1)[1]), apart = modes.length > 1 && Math.abs(ends[0] - ends[1]) < 16 ? (ends[0] <= ends[1] ? [-8, 9] : [9, -8]) : [0, 0];
      curve.front.innerHTML = modes.map((mode, m) => `<path class="mlx-curve ${m ? "mlx-dashed" : ""}" style="--hue: var(--maml)" d="${line(points[m])}"/>`
        + (modes.length > 1 ? `<text class="mlx-name" style="--hue: var(--maml)" x="${x(steps) + 10}" y="${ends[m] + 4 + apart[m]}">${mode}</text>` : "")).join("")
        + `<circle cx="${x(now.step)}" cy="${y(share(now.mode, now.step))}" r="7" style="fill: var(--maml); stroke: var(--bg); stroke-width: 2"/>`;
    }

    return {
      summary: () => summary(state()),
      draw() {
        const now = state(), said_all = answers(now, now.mode, now.step), truth = labels[now.picked];
        scrub.draw();
        how?.draw();
        tiles.forEach(({ node, badge }, k) => {
          const right = said_all[k] === labels[k];
          node.classList.toggle("mlx-wrong", !right);
          node.tabIndex = k === now.picked ? 0 : -1;
          node.setAttribute("aria-pressed", k === now.picked);
          node.setAttribute("aria-label", `query ${k}, class ${names[labels[k]]}: the network says ${names[said_all[k]]}, ${right ? "right" : "wrong"}`);
          badge.textContent = right ? "✓" : `✗ ${names[said_all[k]]}`;
        });
        accuracies(now);
        if (large.dataset.query !== String(now.picked)) {
          large.replaceChildren(picture(fixed.query, now.picked));
          large.dataset.query = now.picked;
        }
        said.innerHTML = "";
        said.append(h("strong", {}, `Query ${now.picked}`), `, class ${names[truth]}`);
        const p = probabilities(now, now.mode, now.step, now.picked), before = probabilities(now, now.mode, 0, now.picked);
        bars.forEach((bar, k) => {
          bar.bar.style.width = `${100 * p[k]}%`;
          bar.before.style.left = `${100 * before[k]}%`;
          bar.value.textContent = p[k].toFixed(2);
          bar.truth.textContent = k === truth ? "true" : "";
          bar.row.classList.toggle("mlx-wrong", k !== truth && k === largest(p));
        });
      },
    };
  });
}

export default { render };
