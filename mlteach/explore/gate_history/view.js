// GateHistory: the gates of a meta-learner LSTM over the inner steps, layer by layer, beside the learner's loss.
import { along, apart, axes, choice, clamp, equation, escape, explorer, figure, floats, h, labels, layout, line, named, player, plot, pointer, s, scale, sig, slider, stroke, ticks, tween, unique } from "../base/base.js";

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
const GATES = /** @type {const} */ (["forget", "input"]);
const MARKS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999];
const LEFT = 52, NAMES = 92; // where the steps begin, and the room for names at the lines, in pixels
const SAYS = { forget: "Forget gate f: how much of itself a layer keeps", input: "Input gate i: how much of its gradient it takes" };

/** How a gate is put on its axis; "logit" opens up the neighbourhood of 0 and 1. @param {string} axis */
const bend = (axis) => (v) => (axis === "logit" ? Math.log(clamp(v, 1e-5, 1 - 1e-5) / (1 - clamp(v, 1e-5, 1 - 1e-5))) : v);

const DASHES = ["", "9 4", "2 4", "9 3 2 3", "14 4"];
/** How layers are told apart whatever their hue: kinds ("conv 2" is a conv) by dashes, the layers of a kind by lightness.
 * @param {string[]} layers @returns {{kind: string, mark: string, dash: string, mix: string}[]}  `mark`: what tells it from its kind; `mix`: for color-mix */
export function looks(layers) {
  const parts = layers.map((name) => (/^(.*?)\s*(\d*)$/.exec(name) ?? []).slice(1)), kinds = [...new Set(parts.map(([kind]) => kind))];
  return parts.map(([kind, mark], l) => {
    const peers = layers.map((_, n) => n).filter((n) => parts[n][0] === kind), place = peers.length > 1 ? peers.indexOf(l) / (peers.length - 1) : 0.5;
    const mix = place <= 0.5 ? `${Math.round(55 + 90 * place)}%, var(--shade)` : `${Math.round(100 - 44 * (place - 0.5))}%, var(--bg)`;
    return { kind, mark, mix, dash: DASHES[kinds.indexOf(kind) % DASHES.length] };
  });
}

function render(host) {
  return explorer(host, { title: "The gates of a meta-learner LSTM, step by step", watch: KEYS }, (view) => {
    const { get, set, guard, was } = view;
    const fixed = { ...Object.fromEntries(FIXED.map((key) => [key, get(key)])), ...Object.fromEntries(TABLES.map((key) => [key, floats(get(key))])) };
    /** @returns {any} */
    const state = () => ({ ...fixed, ...Object.fromEntries(KEYS.map((key) => [key, get(key)])) });
    const { layers, steps, rate } = fixed, all = layers.map((_, l) => l), look = looks(layers);
    let hot = -1; // the layer under the pointer: it stands out, the others stand back
    const point = (l) => { if (hot !== l) { hot = l; view.redraw(); } };

    // One range for all episodes, so that another episode changes the lines and not the ruler: of the means, and of the picked layer's band.
    const spans = Object.fromEntries(GATES.map((which) => {
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

    /** A plot over the steps: drag in it to scrub; a press on a name picks its layer. */
    function over_steps(label, ratio) {
      const area = plot({ label, ratio });
      area.node.setAttribute("role", "img"); // nothing in it is read aloud but its name: the summary and the list of layers say the rest
      area.node.classList.add("mlx-scrub");
      let x = scale(0, 1, 0, 1), drawn = "";
      const follow = guard((event) => set({ step: clamp(Math.round(x.back(pointer(area.node, event)[0])), 0, steps) }));
      area.node.addEventListener("pointerdown", guard((event) => {
        const { layer } = event.target.dataset;
        if (layer !== undefined) return set({ layer: layers[layer] });
        area.node.setPointerCapture(event.pointerId);
        point(-1);
        follow(event);
      }));
      area.node.addEventListener("pointermove", (event) => { if (area.node.hasPointerCapture(event.pointerId)) follow(event); });
      return { area, changed: (key) => drawn !== (drawn = key), across(right) { return (x = scale(0, steps, LEFT, right)); } };
    }

    const cursor = (x, top, bottom) => `<path class="mlx-gate-cursor" d="M${x.toFixed(1)} ${top}V${bottom}"/>`;
    const circle = ([x, y], r, style) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${r}" style="${style}"/>`;
    const every = (width) => Array.from({ length: steps + 1 }, (_, k) => k).filter((k) => k % Math.ceil((28 * (steps + 1)) / width) === 0);
    const hue = (which, l) => `color-mix(in srgb, var(--${which}) ${look[l].mix})`;

    // Where an open panel stands under the picture, and on a telephone, both plots are lower.
    let wide = 960; // the explorer, as last laid out
    new ResizeObserver(([{ contentRect }]) => { wide = contentRect.width; }).observe(view.root);
    const low = () => wide < 560 || (wide < 820 && panels.open());
    const charts = Object.fromEntries(GATES.map((which) => [which, {
      ...over_steps(`${which === "forget" ? "Forget" : "Input"} gate over the steps, one line a layer`, (width) => ((low() ? 138 : 212) + (which === "input" ? 18 : 0)) / width),
      moved: false, lines: [], size: "" }]));
    for (const which of GATES) {
      const { node } = charts[which].area;
      node.addEventListener("pointermove", guard((event) => {
        if (event.buttons) return;
        const { layer } = event.target.dataset, [px, py] = pointer(node, event);
        if (layer !== undefined) return point(Number(layer));
        const near = charts[which].lines.map((points) => Math.abs(along(points, clamp((px - points[0][0]) / Math.max(points.at(-1)[0] - points[0][0], 1), 0, 1) * (steps - 1))[1] - py));
        const least = Math.min(...near);
        point(least < 10 ? near.indexOf(least) : -1);
      }));
      node.addEventListener("pointerleave", guard(() => { point(-1); formula.light([]); }));
      node.addEventListener("pointerenter", guard(() => formula.light([which])));
    }
    const curve = over_steps("The learner's losses over the steps", (width) => (width < 400 ? 230 : 160) / width);

    function gates(now, which, t, then) {
      const chart = charts[which], { area, changed, across } = chart, [width, height] = area.size();
      const right = width - NAMES, top = 30, bottom = height - (which === "input" ? 40 : 22), x = across(right), to = bend(now.axis), [least, most] = ends(which, now);
      const up = scale(least, most, bottom, top), y = (v) => clamp(up(to(v)), top, bottom), picked = layers.indexOf(now.layer);
      const table = [0, 1, 2].flatMap((k) => (k ? [picked] : all).flatMap((l) => Array.from({ length: steps }, (_, n) => y(gate(now, which, n + 1, l, k)))));
      if (chart.size !== (chart.size = `${width} ${height}`)) glides[which].jump(table);
      const heights = glides[which].to(table), points = (row) => heights.slice(row * steps, (row + 1) * steps).map((v, n) => [x(n + 1), v]);
      const moving = glides[which].moving(), lines = (chart.lines = all.map(points));
      if (changed([now.episode, now.layer, now.axis, width, height, hot].join()) || moving || chart.moved) {
        const marks = now.axis === "linear" ? ticks(least, most, height / 44)
          : MARKS.filter((v) => to(v) > least && to(v) < most).reduce((kept, v) => (kept.length && Math.abs(y(v) - y(kept.at(-1))) < 20 ? kept : [...kept, v]), []);
        const descent = y(which === "forget" ? 1 : rate), last = lines.map((p) => p.at(-1)[1]);
        // Names at the lines: of the picked layer, the one under the pointer and the outermost in any case, of the others where there is room.
        const outer = [hot, picked, last.indexOf(Math.min(...last)), last.indexOf(Math.max(...last))].filter((l, n, list) => l >= 0 && list.indexOf(l) === n);
        const fits = bottom - top + 16 >= 16 * (layers.length + 1), shown = fits ? all : outer;
        const ats = [...shown.map((l) => last[l]), descent], places = apart(ats, 16, top, bottom);
        const names = shown.map((l, n) => ({ l, at: places[n] }));
        if (!fits) for (const l of all) if (!outer.includes(l) && [...names.map(({ at }) => at), places.at(-1)].every((at) => Math.abs(at - last[l]) >= 16)) names.push({ l, at: last[l] });
        // And at the lowest point of all, where that is another's.
        const flat = lines.flat(), deep = flat.findIndex(([, v]) => v === Math.max(...flat.map(([, each]) => each))), whose = Math.floor(deep / steps);
        const shape = [...points(layers.length + 1), ...points(layers.length).reverse()];
        const drawn = (l) => `<path class="mlx-curve ${hot < 0 || l === hot || l === picked ? "" : "mlx-gate-back"} ${l === picked || l === hot ? "mlx-gate-this" : ""}" style="--hue: ${hue(which, l)}" d="${line(lines[l])}" ${look[l].dash && `stroke-dasharray="${look[l].dash}"`}/>`;
        area.back.innerHTML = axes({ x, y, xs: every(right - LEFT), ys: marks, left: LEFT, right, bottom, xLabel: which === "input" ? "inner step" : "" })
          + `<path class="mlx-gate-band" style="--hue: var(--${which})" d="${line(/** @type {any} */ (shape))}Z"/>` + stroke([[LEFT, descent], [right, descent]], "baseline", 'stroke-dasharray="7 5"')
          + [...all.filter((l) => l !== picked && l !== hot), ...(hot >= 0 && hot !== picked ? [hot] : []), picked].map(drawn).join("")
          + [...names.map(({ l, at }) => [last[l], at]), [descent, places.at(-1)]].map(([from, at]) => `<path class="mlx-grid" d="M${right + 1} ${from.toFixed(1)}L${right + 9} ${at.toFixed(1)}"/>`).join("")
          + names.map(({ l, at }) => `<text data-layer="${l}" class="mlx-name ${l === picked || l === hot ? "" : "mlx-gate-thin"}" style="--hue: ${hue(which, l)}" x="${right + 11}" y="${(at + 5).toFixed(1)}">${escape(layers[l])}</text>`).join("")
          + named(right + 11, places.at(-1) + 5, "descent", "baseline") + labels(names.some(({ l }) => l === whose) ? [] : [{ at: flat[deep], text: layers[whose], hue: which }], { width: right, height: bottom + 4, left: LEFT, lines: [...lines, [[LEFT, descent], [right, descent]]], boxes: [[0, 0, width, 26]] })
          + named(8, 18, width < 380 ? SAYS[which].split(":")[0] : SAYS[which], which);
      }
      chart.moved = moving;
      const on = (l) => along(lines[l], t - 1), value = (l) => {
        const [px, py] = on(l), end = px > right - (l === picked ? 60 : 130);
        return `<text class="mlx-gate-value" x="${(px + (end ? -10 : 10)).toFixed(1)}" y="${clamp(py - 8, top + 10, bottom).toFixed(1)}" text-anchor="${end ? "end" : "start"}">${l === picked ? "" : `${escape(layers[l])} `}${sig(gate(now, which, now.step, l), 3)}</text>`;
      };
      area.front.innerHTML = (then ? `<g class="mlx-ghost">${cursor(x(then.step), top, bottom)}${then.step ? circle(along(lines[picked], then.step - 1), 7, `fill: none; stroke: var(--${which}); stroke-width: 2`) : ""}</g>` : "")
        + cursor(x(t), top, bottom) + (t < 1 ? "" : all.map((l) => (l === picked ? "" : circle(on(l), hot === l ? 5 : 3, `fill: ${hue(which, l)}`))).join("")
        + circle(on(picked), 6.5, `fill: var(--${which}); stroke: var(--fg); stroke-width: 2`) + (now.step ? value(hot >= 0 ? hot : picked) : ""));
    }

    function losses(now, t, then) {
      const { area, changed, across } = curve, [width, height] = area.size(), right = width - 82, top = 12, bottom = height - 46, x = across(right);
      const values = [...fixed.losses, ...fixed.descent].filter((_, k) => k % 3 < 2);
      const least = Math.log10(Math.max(values.reduce((a, b) => Math.min(a, b)), 1e-7)) - 0.1, most = Math.log10(values.reduce((a, b) => Math.max(a, b), 10 ** least * 2)) + 0.05;
      const up = scale(least, most, bottom, top), y = (v) => clamp(up(Math.log10(Math.max(v, 1e-12))), top, bottom);
      const points = (of, k) => Array.from({ length: steps + 1 }, (_, n) => [x(n), y(score(now, of, n, k))]);
      if (changed([now.episode, width].join())) {
        const marks = Array.from({ length: 10 }, (_, k) => k - 7).flatMap((d) => [1, 3].map((m) => m * 10 ** d)).filter((v) => Math.log10(v) >= least - 1e-9 && Math.log10(v) <= most);
        const decade = Math.ceil((most - least) / 5), kept = marks.filter((v) => most - least < 1.6 || Math.abs((Math.log10(v) / decade) % 1) < 1e-9);
        const rows = [[points("losses", 0), "support", "fg"], [points("losses", 1), "query", "fg"], ...(now.descent.length ? [[points("descent", 1), "descent", "baseline"]] : [])];
        const places = apart(rows.map(([p]) => p.at(-1)[1]), 17, top, bottom), shares = every(right - LEFT);
        area.back.innerHTML = axes({ x, y, xs: shares, ys: kept, left: LEFT, right, bottom, xLabel: "", yText: (v) => sig(v) })
          + `<text x="${right + 12}" y="${bottom + 18}">step</text><text x="${right + 12}" y="${bottom + 39}">% right</text>`
          + shares.map((n) => `<text class="mlx-gate-value" x="${x(n).toFixed(1)}" y="${bottom + 39}" text-anchor="middle">${percent(score(now, "losses", n, 2))}</text>`).join("")
          + rows.map(([p, text, name], k) => stroke(p, name, name === "baseline" ? 'stroke-dasharray="7 5"' : "")
            + (name === "fg" ? p.map((each) => circle(each, 3.5, `fill: var(--${k ? "card" : "fg"}); stroke: var(--fg); stroke-width: 2`)).join("") : "")
            + named(right + 11, places[k] + 5, text, name)).join("");
      }
      area.front.innerHTML = (then ? `<g class="mlx-ghost">${cursor(x(then.step), top, bottom)}</g>` : "") + cursor(x(t), top, bottom)
        + [0, 1].map((k) => circle(along(points("losses", k), t), 6.5, `fill: var(--${k ? "card" : "fg"}); stroke: var(--fg); stroke-width: 2.5`)).join("");
    }

    // Which layer: a row a kind, and in each its line as both plots draw it. A layer that has no like stands with the others of that sort.
    const name = unique("layer"), rows = [], alone = look.map(({ kind, mark }) => !mark || look.filter((each) => each.kind === kind).length === 1);
    const tiles = layers.map((layer, l) => {
      const radio = h("input", { type: "radio", name, value: layer, "aria-label": layer, onchange: () => set({ layer }) });
      const sample = s("svg", { width: 24, height: 4, "aria-hidden": "true" }, s("path", { d: "M0 2H24", "stroke-dasharray": look[l].dash || false, style: `stroke: color-mix(in srgb, var(--soft) ${look[l].mix})` }));
      return { radio, node: h("label", { title: layer, onpointerenter: () => point(l), onpointerleave: () => point(-1) }, radio, h("span", {}, alone[l] ? layer : look[l].mark, sample)) };
    });
    for (const l of all) {
      const kind = alone[l] ? "" : look[l].kind, row = rows.find((each) => each.kind === kind);
      if (row) row.found.push(l);
      else rows.push({ kind, found: [l] });
    }
    const pick = h("fieldset", { class: "mlx-choice mlx-gate-layers" }, h("legend", {}, "Layer"), ...rows.map(({ kind, found }) =>
      h("div", {}, ...(kind ? [h("b", { class: "mlx-gate-kind", "aria-hidden": "true" }, kind)] : []), ...found.map((l) => tiles[l].node))));

    // All numbers of a step: a row a layer, each gate as a number and as a strip.
    const strip = (which) => {
      const band = h("i", { class: "mlx-gate-part" }), mean = h("i", { class: "mlx-gate-mean" }), mark = h("i", { class: "mlx-gate-mark" }), value = h("b", {});
      return { band, mean, mark, value, node: h("td", { style: `--hue: var(--${which})` }, h("div", { class: "mlx-gate-cell" }, value, h("span", { class: "mlx-gate-strip", "aria-hidden": "true" }, band, mark, mean))) };
    };
    const lists = layers.map((layer) => {
      const forget = strip("forget"), input = strip("input");
      return { forget, input, node: h("tr", {}, h("th", { scope: "row" }, layer), forget.node, input.node) };
    });
    const half = Math.ceil(layers.length / 2), when = h("p", { class: "mlx-gate-when" });
    const sheet = (part, more) => h("table", { class: "mlx-gates" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "layer"), ...GATES.map((which) => h("th", { scope: "col", class: "mlx-gate-head", style: `--hue: var(--${which})` }, `${which} ${which[0]}`)))),
      h("tbody", {}, ...part.map(({ node }) => node), ...more));
    const foot = h("tr", { class: "mlx-gate-foot" }, h("th", { scope: "row" }, "descent"), h("td", {}, h("b", {}, "1")), h("td", {}, h("b", {}, sig(rate, 3))));
    const sheets = h("div", { class: "mlx-gate-sheets" }, sheet(lists.slice(0, half), []), sheet(lists.slice(half), [foot]));

    function numbers(now, t) {
      when.textContent = now.step ? `Step ${now.step}: mean, and where 10 to 90 % lie` : "The gates open in step 1";
      const to = bend(now.axis), from = clamp(Math.floor(t), 1, steps), part = t - from, next = Math.min(from + 1, steps);
      for (const which of GATES) {
        const place = scale(...ends(which, now), 0, 100), put = (v) => clamp(place(to(v)), 0, 100);
        lists.forEach((row, l) => {
          const { band, mean, mark, value, node } = row[which];
          node.classList.toggle("mlx-gate-empty", t < 1);
          mark.style.left = `${put(which === "forget" ? 1 : rate).toFixed(1)}%`;
          value.textContent = now.step ? sig(gate(now, which, now.step, l), 3) : "–";
          const [m, a, b] = [0, 1, 2].map((k) => { const v = put(gate(now, which, from, l, k)); return part > 0 ? v + part * (put(gate(now, which, next, l, k)) - v) : v; });
          band.style.left = `${a.toFixed(1)}%`;
          band.style.right = `${(100 - b).toFixed(1)}%`;
          mean.style.left = `${m.toFixed(1)}%`;
        });
      }
      lists.forEach((row, l) => row.node.classList.toggle("mlx-gate-picked", layers[l] === now.layer));
    }

    const side = get("side"), shots = get("pictures"), many = shots.byteLength / (side * side * fixed.episodes);
    const board = h("div", { class: "mlx-gate-shots", role: "img", "aria-label": "The support pictures of this episode" }, ...Array.from({ length: many }, () => h("canvas", { width: side, height: side })));
    let hung = -1;
    function pictures(episode) {
      if (hung === episode) return;
      hung = episode;
      [...board.children].forEach((canvas, n) => {
        const pen = canvas.getContext("2d"), image = pen.createImageData(side, side);
        for (let p = 0; p < side * side; p++) image.data[4 * p + 3] = shots.getUint8((episode * many + n) * side * side + p);
        pen.putImageData(image, 0, 0);
      });
    }

    const which = choice({ label: "Episode", options: Array.from({ length: fixed.episodes }, (_, value) => ({ value, text: String(value) })),
      get: () => get("episode"), set: (episode) => set({ episode }) });
    const how = choice({ label: "Axis of the gates", quiet: true, options: [{ value: "linear", text: "linear axis" }, { value: "logit", text: "logit axis", hint: "opens up the neighbourhood of 0 and of 1" }],
      get: () => get("axis"), set: (axis) => set({ axis }) });
    const scrub = slider({ label: "Inner step", min: 0, max: steps, show: (k) => (k ? `${k} of ${steps}` : "before the first"), get: () => get("step"), set: (step) => set({ step }) });
    const play = player({ label: "Play", every: 600, guard, get: () => get("step"), set: (step) => set({ step }), last: () => steps });
    const formula = equation({ label: "What a step does to a parameter", rows: [{ terms: [{ hue: "cell", text: "θ_t" }, "=", { id: "forget", hue: "forget", text: "f" }, "·", { hue: "cell", text: "θ_{t−1}" }, "+",
      { id: "input", hue: "input", text: "i" }, "·", { hue: "candidate", text: "(−∇L)" }] }] });
    const whose = h("span", { class: "mlx-gate-whose" });
    const glides = Object.fromEntries(GATES.map((gate) => [gate, tween(charts[gate].area.node)]));
    const panels = layout(view, {
      head: [formula.node, whose], picture: [h("div", { class: "mlx-gate-stack" }, charts.forget.area.node, charts.input.area.node)],
      controls: [h("div", { class: "mlx-row" }, play.node, scrub.node), pick, which.node, ...(many ? [board] : []), how.node],
      panels: [
        { name: "Losses", node: figure("The learner's loss (log scale): ● support, ○ queries; dashed: queries under gradient descent from the same start.", curve.area.node) },
        { name: "Numbers", node: h("div", {}, when, sheets) },
      ] });

    return {
      summary: () => summary(state()),
      draw() {
        const now = state(), t = play.at(), then = was(), ghost = then && then.step !== now.step ? then : null;
        for (const control of [which, how, scrub, play]) control.draw();
        layers.forEach((layer, l) => { tiles[l].radio.checked = layer === now.layer; });
        pictures(now.episode);
        for (const each of GATES) gates(now, each, t, ghost);
        if (panels.open() === "Losses") losses(now, t, ghost);
        if (panels.open() === "Numbers") numbers(now, t);
        for (const each of GATES) formula.write(each, now.step ? sig(gate(now, each, now.step, layers.indexOf(now.layer)), 3) : each[0]);
        whose.textContent = now.step ? `${now.layer}, step ${now.step}` : "";
      },
    };
  });
}

export default { render };
