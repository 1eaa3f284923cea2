// GateHistory: the gates of a meta-learner LSTM over the inner steps, layer by layer, beside the learner's loss.
import { apart, axes, choice, clamp, escape, explorer, figure, floats, h, named, player, plot, pointer, scale, sig, slider, stroke, ticks, unique } from "../base/base.js";

/** Tables as in __init__.py, read into numbers.
 * @typedef {{episode: number, step: number, layer: string, axis: string, layers: string[], episodes: number, steps: number, rate: number,
 *            forget: ArrayLike<number>, input: ArrayLike<number>, losses: ArrayLike<number>, descent: ArrayLike<number>}} State */

/** Mean (k = 0), 10th (1) or 90th percentile (2) of a gate over a layer's coordinates; steps count from 1.
 * @param {State} state @param {"forget"|"input"} which @param {number} step @param {number} layer @param {number} [k] */
export const gate = (state, which, step, layer, k = 0) =>
  state[which][((state.episode * state.steps + step - 1) * state.layers.length + layer) * 3 + k];

/** Support loss (k = 0), query loss (1) or query accuracy (2) before the first (step 0) and after each step.
 * @param {State} state @param {"losses"|"descent"} of @param {number} step @param {number} k */
export const score = (state, of, step, k) => state[of][(state.episode * (state.steps + 1) + step) * 3 + k];

const percent = (share) => Math.floor(100 * share + 0.5);
const result = (state, of) => `query loss ${sig(score(state, of, state.step, 1))}, ${percent(score(state, of, state.step, 2))} % right`;

/** @param {State} state @returns {string} */
export function summary(state) {
  const { episode, step, steps, layers, layer, rate } = state;
  if (!step) return `Episode ${episode}, before the first of ${steps} steps: ${result(state, "losses")}.`;
  const span = (which) => {
    const means = layers.map((_, l) => gate(state, which, step, l));
    return `${which} gates ${[Math.min(...means), Math.max(...means)].map((v) => `${sig(v, 3)} (${layers[means.indexOf(v)]})`).join(" to ")}`;
  };
  const [f, i] = ["forget", "input"].map((which) => gate(state, /** @type {any} */ (which), step, layers.indexOf(layer)));
  return `Episode ${episode}, after step ${step} of ${steps}: ${span("forget")}, ${span("input")}; ${result(state, "losses")}. `
    + `In ${layer}, ${sig(100 * (1 - f))} % of each number is forgotten, and the gradient counts ${sig(i / rate)} times as much as in gradient descent (f = 1, i = ${sig(rate, 3)})`
    + (state.descent.length ? `, which has ${result(state, "descent")}.` : ".");
}

const KEYS = ["episode", "step", "layer", "axis"], FIXED = ["layers", "episodes", "steps", "rate"], TABLES = ["forget", "input", "losses", "descent"];
const MARKS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999];
const LEFT = 52; // where the steps begin, in pixels

/** How a gate is put on its axis; "logit" opens up the neighbourhood of 0 and 1. @param {string} axis */
const bend = (axis) => (v) => (axis === "logit" ? Math.log(clamp(v, 1e-5, 1 - 1e-5) / (1 - clamp(v, 1e-5, 1 - 1e-5))) : v);

function render(host) {
  return explorer(host, { title: "The gates of a meta-learner LSTM, step by step", watch: KEYS }, ({ root, get, set, guard }) => {
    const fixed = { ...Object.fromEntries(FIXED.map((key) => [key, get(key)])), ...Object.fromEntries(TABLES.map((key) => [key, floats(get(key))])) };
    /** @returns {any} */
    const state = () => ({ ...fixed, ...Object.fromEntries(KEYS.map((key) => [key, get(key)])) });
    const { layers, steps, rate } = fixed, all = layers.map((_, l) => l);
    // One range for all episodes, so that another episode changes the lines and not the ruler: of the means, and of the picked layer's band.
    const spans = Object.fromEntries(["forget", "input"].map((which) => {
      const found = layers.map(() => [[1, 0], [1, 0], [1, 0]]), table = fixed[which];
      for (let n = 0; n < table.length; n++) {
        const pair = found[Math.floor(n / 3) % layers.length][n % 3];
        pair[0] = Math.min(pair[0], table[n]);
        pair[1] = Math.max(pair[1], table[n]);
      }
      return [which, found];
    }));

    /** The ends of a gate's axis, bent. */
    function ends(which, { axis, layer }) {
      const seen = [...spans[which].map((l) => l[0]), ...spans[which][layers.indexOf(layer)], ...(which === "input" ? [[rate, rate]] : [])];
      const low = Math.min(...seen.map((pair) => pair[0])), high = Math.max(...seen.map((pair) => pair[1])), to = bend(axis);
      if (axis === "logit") return [to(low) - 0.3, to(Math.min(high, 0.9999)) + (which === "forget" ? 1 : 0.3)];
      return which === "forget" ? [Math.max(Math.floor(50 * low - 1e-6) / 50, 0), 1] : [0, Math.min(Math.ceil(10 * high - 1e-6) / 10, 1)];
    }

    /** A plot over the steps: drag in it to scrub. */
    function over_steps(label, ratio) {
      const area = plot({ label, ratio });
      area.node.classList.add("mlx-scrub");
      let x = scale(0, 1, 0, 1), drawn = "";
      const follow = guard((event) => set({ step: clamp(Math.round(x.back(pointer(area.node, event)[0])), 0, steps) }));
      area.node.addEventListener("pointerdown", guard((event) => {
        const { layer } = event.target.dataset;
        if (layer !== undefined) return set({ layer: layers[layer] });
        area.node.setPointerCapture(event.pointerId);
        follow(event);
      }));
      area.node.addEventListener("pointermove", (event) => { if (area.node.hasPointerCapture(event.pointerId)) follow(event); });
      return { area, changed: (key) => drawn !== (drawn = key), across(right) { return (x = scale(0, steps, LEFT, right)); } };
    }

    const cursor = (x, top, bottom) => `<path class="mlx-gate-cursor" d="M${x.toFixed(1)} ${top}V${bottom}"/>`;
    const dots = (points, hue, hollow) => points.map(([x, y]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3.5" style="fill: var(--${hollow ? "card" : hue}); stroke: var(--${hue}); stroke-width: 2"/>`).join("");
    const every = (width) => Array.from({ length: steps + 1 }, (_, k) => k).filter((k) => k % Math.ceil((28 * (steps + 1)) / width) === 0);

    const charts = { forget: over_steps("Forget gate over the steps, one line a layer", (w) => (w > 460 ? 0.5 : 0.86)),
      input: over_steps("Input gate over the steps, one line a layer", (w) => (w > 460 ? 0.5 : 0.86)) };
    const curve = over_steps("The learner's losses over the steps", (w) => (w > 380 ? 0.56 : 0.8));

    function gates(now, which) {
      const { area, changed, across } = charts[which], [width, height] = area.size();
      const right = width - 92, top = 24, bottom = height - 40, x = across(right), to = bend(now.axis), [low, high] = ends(which, now);
      const up = scale(low, high, bottom, top), y = (v) => clamp(up(to(v)), top, bottom), picked = layers.indexOf(now.layer);
      if (changed([now.episode, now.layer, now.axis, width].join())) {
        const marks = now.axis === "linear" ? ticks(low, high, 5)
          : MARKS.filter((v) => to(v) > low && to(v) < high).reduce((kept, v) => (kept.length && Math.abs(y(v) - y(kept.at(-1))) < 20 ? kept : [...kept, v]), []);
        const points = (l, k) => Array.from({ length: steps }, (_, t) => [x(t + 1), y(gate(now, which, t + 1, l, k))]);
        const lines = all.map((l) => points(l, 0)), descent = y(which === "forget" ? 1 : rate), last = lines.map((p) => p.at(-1)[1]);
        const gap = (bottom - top + 12) / (layers.length + 1); // a name at every line where they fit, else at the outermost and the picked one
        const shown = gap >= 12 ? all : [...new Set([picked, last.indexOf(Math.min(...last)), last.indexOf(Math.max(...last))])];
        const heights = [...shown.map((l) => last[l]), descent], places = apart(heights, clamp(gap, 12, 15), top - 4, bottom + 8);
        const shape = [...points(picked, 2), ...points(picked, 1).reverse()].map(([a, b]) => `${a.toFixed(1)} ${b.toFixed(1)}`).join(" ");
        area.back.innerHTML = axes({ x, y, xs: every(right - LEFT), ys: marks, left: LEFT, right, bottom, xLabel: "inner step" })
          + `<polygon class="mlx-gate-band" points="${shape}"/>`
          + stroke([[LEFT, descent], [right, descent]], "baseline", 'stroke-dasharray="7 5"')
          + `<g class="mlx-gate-others">${all.filter((l) => l !== picked).map((l) => stroke(lines[l], "lstm")).join("")}</g>`
          + heights.map((height, k) => `<path class="mlx-grid" d="M${right + 1} ${height.toFixed(1)}L${right + 9} ${places[k].toFixed(1)}"/>`).join("")
          + shown.map((l, k) => `<text data-layer="${l}" class="${l === picked ? "mlx-name" : ""}" style="--hue: var(--lstm)" x="${right + 11}" y="${(places[k] + 4).toFixed(1)}">${escape(layers[l])}</text>`).join("")
          + named(right + 11, places.at(-1) + 4, "descent", "baseline") + `<g class="mlx-gate-this">${stroke(lines[picked], "lstm")}</g>`;
      }
      area.front.innerHTML = cursor(x(now.step), top, bottom)
        + (now.step ? dots([[x(now.step), y(gate(now, which, now.step, picked))]], "lstm", false) : "");
    }

    function losses(now) {
      const { area, changed, across } = curve, [width, height] = area.size(), right = width - 92, top = 12, bottom = height - 58, x = across(right);
      const values = [...fixed.losses, ...fixed.descent].filter((_, k) => k % 3 < 2);
      const low = Math.log10(Math.max(values.reduce((a, b) => Math.min(a, b)), 1e-7)) - 0.1, high = Math.log10(values.reduce((a, b) => Math.max(a, b), 10 ** low * 2)) + 0.05;
      const up = scale(low, high, bottom, top), y = (v) => clamp(up(Math.log10(Math.max(v, 1e-12))), top, bottom);
      const points = (of, k) => Array.from({ length: steps + 1 }, (_, t) => [x(t), y(score(now, of, t, k))]);
      if (changed([now.episode, width].join())) {
        const marks = Array.from({ length: 10 }, (_, k) => k - 7).flatMap((d) => [1, 3].map((m) => m * 10 ** d)).filter((v) => Math.log10(v) >= low - 1e-9 && Math.log10(v) <= high);
        const every_decade = Math.ceil((high - low) / 5), kept = marks.filter((v) => high - low < 1.6 || Math.abs((Math.log10(v) / every_decade) % 1) < 1e-9);
        const rows = [[points("losses", 0), "support", "lstm"], [points("losses", 1), "query", "lstm"], ...(now.descent.length ? [[points("descent", 1), "descent", "baseline"]] : [])];
        const places = apart(rows.map(([p]) => p.at(-1)[1]), 17, top, bottom), shares = every(right - LEFT);
        area.back.innerHTML = axes({ x, y, xs: shares, ys: kept, left: LEFT, right, bottom, xLabel: "", yText: (v) => sig(v) })
          + `<text x="${right + 15}" y="${bottom + 18}">inner step</text><text x="${right + 15}" y="${bottom + 40}">% right</text>`
          + shares.map((t) => `<text class="mlx-gate-share" x="${x(t).toFixed(1)}" y="${bottom + 40}" text-anchor="middle">${percent(score(now, "losses", t, 2))}</text>`).join("")
          + rows.map(([p, text, hue], k) => stroke(p, hue, hue === "baseline" ? 'stroke-dasharray="7 5"' : "") + (hue === "lstm" ? dots(p, hue, k === 1) : "")
            + named(right + 11, places[k] + 4, text, hue)).join("");
      }
      area.front.innerHTML = cursor(x(now.step), top, bottom) + (now.step <= steps ? `<circle class="mlx-gate-now" cx="${x(now.step).toFixed(1)}" cy="${points("losses", 1)[now.step][1].toFixed(1)}" r="7"/>` : "");
    }

    // The table: a row a layer, its gates at this step as a number and as a strip; the radio button picks the layer.
    const name = unique("layer");
    const strip = () => {
      const band = h("i", { class: "mlx-gate-part" }), mean = h("i", { class: "mlx-gate-mean" }), mark = h("i", { class: "mlx-gate-mark" }), value = h("b", {});
      return { band, mean, mark, value, node: h("td", {}, h("div", { class: "mlx-gate-cell" }, value, h("span", { class: "mlx-gate-strip", "aria-hidden": "true" }, band, mark, mean))) };
    };
    const rows = layers.map((layer) => {
      const radio = h("input", { type: "radio", name, value: layer, onchange: () => set({ layer }) }), forget = strip(), input = strip();
      return { radio, forget, input, node: h("tr", {}, h("th", { scope: "row" }, h("label", {}, radio, layer)), forget.node, input.node) };
    });
    const when = h("caption");
    const sheet = h("table", { class: "mlx-gates" }, when, h("thead", {}, h("tr", {}, ...["layer", "forget gate f", "input gate i"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, ...rows.map(({ node }) => node)),
      h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, "gradient descent"), h("td", {}, h("b", {}, "1")), h("td", {}, h("b", {}, sig(rate, 3))))));

    function table(now) {
      when.textContent = now.step ? `Gates in step ${now.step}: mean, 10th to 90th percentile` : "The gates open in step 1";
      const to = bend(now.axis);
      for (const which of /** @type {const} */ (["forget", "input"])) {
        const part = scale(...ends(which, now), 0, 100), put = (v) => `${clamp(part(to(v)), 0, 100).toFixed(1)}%`;
        rows.forEach((row, l) => {
          const { band, mean, mark, value, node } = row[which];
          node.classList.toggle("mlx-gate-empty", !now.step);
          mark.style.left = put(which === "forget" ? 1 : rate);
          value.textContent = now.step ? sig(gate(now, which, now.step, l), 3) : "–";
          if (!now.step) return;
          const [m, a, b] = [0, 1, 2].map((k) => put(gate(now, which, now.step, l, k)));
          band.style.left = a;
          band.style.right = `calc(100% - ${b})`;
          mean.style.left = m;
        });
      }
      rows.forEach((row, l) => {
        row.radio.checked = layers[l] === now.layer;
        row.node.classList.toggle("mlx-gate-picked", layers[l] === now.layer);
      });
    }

    const side = get("side"), view = get("pictures"), many = view.byteLength / (side * side * fixed.episodes);
    const board = h("div", { class: "mlx-gate-shots", role: "img", "aria-label": "The support pictures of this episode" }, ...Array.from({ length: many }, () => h("canvas", { width: side, height: side })));
    let hung = -1;
    function pictures(episode) {
      if (hung === episode) return;
      hung = episode;
      [...board.children].forEach((canvas, n) => {
        const pen = canvas.getContext("2d"), image = pen.createImageData(side, side);
        for (let p = 0; p < side * side; p++) image.data[4 * p + 3] = view.getUint8((episode * many + n) * side * side + p);
        pen.putImageData(image, 0, 0);
      });
    }

    const which = choice({ label: "Episode", options: Array.from({ length: fixed.episodes }, (_, value) => ({ value, text: String(value) })),
      get: () => get("episode"), set: (episode) => set({ episode }) });
    const how = choice({ label: "Axis of the gates", options: [{ value: "linear", text: "linear" }, { value: "logit", text: "logit", hint: "opens up the neighbourhood of 0 and of 1" }],
      get: () => get("axis"), set: (axis) => set({ axis }) });
    const scrub = slider({ label: "Inner step", hue: "lstm", min: 0, max: steps, show: (k) => (k ? `after step ${k} of ${steps}` : "before the first step"), get: () => get("step"), set: (step) => set({ step }) });
    const play = player({ label: "Play", every: 600, guard, get: () => get("step"), set: (step) => set({ step }), last: () => steps });
    root.append(
      h("div", { class: "mlx-row" }, which.node, ...(many ? [board] : []), how.node),
      h("div", { class: "mlx-row mlx-gate-time" }, scrub.node, play.node),
      h("div", { class: "mlx-two" },
        h("div", { class: "mlx-gate-stack" }, figure("Forget gate f: how much of itself each layer keeps. Gradient descent keeps all. Drag across the steps.", charts.forget.area.node),
          figure(`Input gate i: how much of its gradient each layer takes. Gradient descent: ${sig(rate, 3)}.`, charts.input.area.node)),
        h("div", { class: "mlx-gate-stack" }, figure("The learner's loss (log) and its queries right. Filled: support; hollow: queries; dashed: queries under gradient descent from the same start.", curve.area.node), sheet)));

    return {
      summary: () => summary(state()),
      draw() {
        const now = state();
        for (const control of [which, how, scrub, play]) control.draw();
        pictures(now.episode);
        gates(now, "forget");
        gates(now, "input");
        losses(now);
        table(now);
      },
    };
  });
}

export default { render };
