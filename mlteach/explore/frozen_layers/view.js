// FrozenLayers: groups of layers held still in the inner loop; what is recorded of every choice is read out of two tables.
import { axes, choice, escape, explorer, figure, floats, h, layout, named, plot, pointer, scale, sig, tween, unique } from "../base/base.js";

/** @typedef {{frozen: string[], net: string, rates: string, mode: string, accuracy: ArrayLike<number>, alike: ArrayLike<number>}} State */

const KEYS = ["frozen", "net", "rates", "mode"], TABLES = ["accuracy", "alike"];
const GROUPS = ["conv1", "conv2", "conv3", "conv4", "head"], NAMES = ["1", "2", "3", "4", "head"];
const NETS = ["trained", "fresh"], RATES = ["full", "small"], MODES = ["transductive", "support"], PATTERNS = 32;

/** The tables' row: bit 0 is conv1, bit 4 the head. @param {string[]} frozen */
export const patternOf = (frozen) => GROUPS.reduce((sum, group, bit) => sum + (frozen.includes(group) ? 1 << bit : 0), 0);

const row = ({ net, rates }, pattern) => (NETS.indexOf(net) * RATES.length + RATES.indexOf(rates)) * PATTERNS + pattern;

/** The share of right answers. @param {State} state @param {number} [pattern] */
export const right = (state, pattern = patternOf(state.frozen)) =>
  state.accuracy[row(state, pattern) * MODES.length + MODES.indexOf(state.mode)];

/** CKA of each group's answers before and after the inner loop. @param {State} state @param {number} [pattern] */
export const similarity = (state, pattern = patternOf(state.frozen)) =>
  GROUPS.map((_, k) => state.alike[row(state, pattern) * GROUPS.length + k]);

const percent = (share) => Math.floor(100 * share + 0.5);
const bits = (k) => k.toString(2).replaceAll("0", "").length;

/** @param {State} state @returns {string} */
export function summary(state) {
  const { frozen, net, rates, mode } = state, names = frozen.join(", ") || "nothing";
  let text = `${net[0].toUpperCase()}${net.slice(1)} network, ${rates} rates, ${names} frozen: ${percent(right(state))} % right (${mode})`;
  if (frozen.length) text += `; with nothing frozen ${percent(right(state, 0))} %`;
  const each = similarity(state).map((v, k) => `${GROUPS[k]} ${sig(v)}`).join(", ");
  return `${text}. Alike before and after (CKA): ${each}.`;
}

function render(host) {
  return explorer(host, { title: "Which layers have to move?", watch: KEYS }, (view) => {
    const { get, set } = view;
    const tables = Object.fromEntries(TABLES.map((key) => [key, floats(get(key))]));
    /** @returns {any} */
    const state = () => ({ ...tables, ...Object.fromEntries(KEYS.map((key) => [key, get(key)])) });
    const toggle = (group) => {
      const frozen = get("frozen");
      set({ frozen: GROUPS.filter((each) => (each === group) !== frozen.includes(each)) });
    };

    const boxes = GROUPS.map((group) => h("input", { type: "checkbox", name: unique("frozen"), value: group, onchange: () => toggle(group) }));
    const freeze = h("fieldset", { class: "mlx-choice mlx-frozen" }, h("legend", {}, "Freeze"),
      ...GROUPS.map((group, k) => h("label", {}, boxes[k], h("span", {}, group))));
    const pick = (label, key, options) => choice({ label, options: options.map((value) => ({ value, text: value })), get: () => get(key), set: (value) => set({ [key]: value }) });
    const choices = [pick("Network", "net", NETS), pick("Rates of the inner loop", "rates", RATES), pick("Batch norm for the queries", "mode", MODES)];
    const presets = choice({ label: "At one press", options: [{ value: 0, text: "nothing" }, { value: 15, text: "the body" }, { value: 16, text: "the head" }, { value: 31, text: "all" }],
      get: () => patternOf(get("frozen")), set: (pattern) => set({ frozen: GROUPS.filter((_, bit) => (Number(pattern) >> bit) & 1) }) });

    const picture = plot({ label: "Similarity of each layer before and after adapting, and right answers", ratio: (width) => (width < 480 ? 0.78 : 0.62) });
    const glide = tween(picture.node);
    let columns = [];
    picture.node.addEventListener("click", (event) => {
      const [x] = pointer(picture.node, event), hit = columns.findIndex(([a, b]) => x >= a && x <= b);
      if (hit >= 0) toggle(GROUPS[hit]);
    });
    layout(view, { picture: [figure("Left: how alike each layer's answers are before and after five steps. Right: all 32 ways to freeze; yours is the large dot.", picture.node)],
      controls: [freeze, presets.node, ...choices.map(({ node }) => node)] });

    return {
      summary: () => summary(state()),
      draw() {
        const now = state(), pattern = patternOf(now.frozen);
        for (const control of [presets, ...choices]) control.draw();
        boxes.forEach((box, k) => { box.checked = now.frozen.includes(GROUPS[k]); });
        const [width, height] = picture.size(), bottom = height - 42, middle = Math.round(width * 0.6);
        const [share, ...alike] = glide.to([right(now), ...similarity(now)]), still = similarity(now, 0);
        const y = scale(0, 1, bottom, 30), left = 38, step = (middle - left - 8) / GROUPS.length;
        const band = scale(0, GROUPS.length, left, middle - 8);
        columns = GROUPS.map((_, k) => [band(k), band(k + 1)]);
        picture.back.innerHTML = axes({ x: band, y, xs: [], ys: [0, 0.5, 1], left, right: middle - 8, bottom, xLabel: "layer" })
          + `<text x="6" y="16">alike (CKA)</text>`
          + NAMES.map((name, k) => `<text x="${band(k + 0.5).toFixed(1)}" y="${bottom + 18}" text-anchor="middle" aria-hidden="true">${escape(name)}</text>`).join("");
        let front = GROUPS.map((group, k) => {
          const held = now.frozen.includes(group), top = y(Math.max(alike[k], 0)), x = band(k) + step * 0.14, wide = step * 0.72;
          return `<rect class="mlx-frozen-bar${held ? " mlx-frozen-held" : ""}" x="${x.toFixed(1)}" y="${top.toFixed(1)}" width="${wide.toFixed(1)}" height="${Math.max(bottom - top, 0).toFixed(1)}"/>`
            + `<path class="mlx-frozen-mark" d="M${(x - 3).toFixed(1)} ${y(still[k]).toFixed(1)}h${(wide + 6).toFixed(1)}"/>`
            + (held ? `<text class="mlx-frozen-sign" x="${band(k + 0.5).toFixed(1)}" y="${(bottom - 8).toFixed(1)}" text-anchor="middle" aria-hidden="true">❄</text>` : "");
        }).join("");
        const x = scale(-0.4, 5.4, middle + 42, width - 12), p = scale(0, 1, bottom, 30);
        picture.back.innerHTML += axes({ x, y: p, xs: [0, 1, 2, 3, 4, 5], ys: [0, 0.2, 0.5, 1], left: middle + 36, right: width - 8, bottom, xLabel: "frozen", yText: (v) => 100 * v })
          + `<text x="${middle + 4}" y="16">right, %</text>`;
        for (let k = 0; k < PATTERNS; k++)
          front += `<circle class="mlx-frozen-dot" cx="${(x(bits(k)) + 3 * ((k % 5) - 2)).toFixed(1)}" cy="${p(right(now, k)).toFixed(1)}" r="2.6"/>`;
        const at = [x(now.frozen.length), p(share)], label = `${percent(right(now, pattern))} %`, above = at[1] > 56;
        front += `<circle class="mlx-frozen-here" cx="${at[0].toFixed(1)}" cy="${at[1].toFixed(1)}" r="8"/>`
          + `<g aria-hidden="true">${named(at[0], at[1] + (above ? -14 : 26), label, "maml", now.frozen.length > 3 ? "end" : now.frozen.length < 2 ? "start" : "middle")}</g>`
          + named(width - 10, p(0.2) + 15, "chance", "baseline", "end");
        picture.front.innerHTML = front;
      },
    };
  });
}

export default { render };
