// UnrolledChain: an inner loop laid out in a row, forward to the query loss and back again along its edges. The mathematics is
// __init__.py's, operation by operation; a test compares the two.
import { button, chart, choice, clamp, escape, explorer, figure, h, layout, long, player, plot, s, sig, slider } from "../base/base.js";

/** @typedef {{reading: string, steps: number, rate: number, forget: number, curvature: number, start: number, support: number,
 *            query: number, keep: boolean[], at: number | null}} State */
/** @typedef {[number, number]} Point */

const KEYS = ["reading", "steps", "rate", "forget", "curvature", "start", "support", "query", "keep", "at"], MOST = 5;
const READINGS = {
  gates: { weight: "θ", forget: "f", gate: "i", learned: ["gate", "forget"], kept: "all kept", cut: "all cut" },
  "learned optimizer": { weight: "θ", forget: "1", gate: "ω", learned: ["gate"], kept: "all kept", cut: "all cut" },
  "meta-learner LSTM": { weight: "c", forget: "f", gate: "i", learned: ["start", "gate", "forget"], kept: "all kept", cut: "all cut" },
  MAML: { weight: "θ", forget: "1", gate: "α", learned: ["start"], kept: "MAML", cut: "FOMAML" },
};
const LESSONS = { gates: "03", "learned optimizer": "04", "meta-learner LSTM": "05", MAML: "06" };

const f = (state) => (READINGS[state.reading].forget === "f" ? state.forget : 1);
const last = (state) => 3 * state.steps + 2;

/** theta_0 ... theta_T. @param {State} state @returns {number[]} */
export function positions(state) {
  let theta = state.start;
  const points = [theta];
  for (let k = 0; k < state.steps; k++) {
    theta = f(state) * theta + state.rate * -(state.curvature * (theta - state.support));
    points.push(theta);
  }
  return points;
}

/** The query loss at theta_T. @param {State} state */
export function loss(state) {
  const apart = positions(state).at(-1) - state.query;
  return 0.5 * state.curvature * apart * apart;
}

/** Derivatives of the query loss, backward through the chain. @param {State} state @param {boolean[] | boolean} [keep] */
export function slopes(state, keep = state.keep) {
  const points = positions(state), { curvature, steps, rate } = state, edge = (k) => (typeof keep === "boolean" ? keep : keep[k]);
  let slope = curvature * (points.at(-1) - state.query), gate = 0, forget = 0;
  const weights = [slope], gates = [], forgets = [];
  for (let k = steps; k > 0; k--) {
    const before = points[k - 1];
    gates.push(slope * -(curvature * (before - state.support)));
    forgets.push(slope * before);
    slope = slope * f(state) - (edge(k - 1) ? slope * rate * curvature : 0);
    weights.push(slope);
  }
  for (const each of gates) gate += each;
  for (const each of forgets) forget += each;
  return { weights: weights.reverse(), gates: gates.reverse(), forgets: forgets.reverse(), start: slope, gate, forget };
}

const letters = ({ reading }) => ({ start: `${READINGS[reading].weight}₀`, gate: READINGS[reading].gate, forget: READINGS[reading].forget });

/** What is learned -> its derivative with every dashed edge, as they are set, and with none. @param {State} state */
export function learned(state) {
  const found = [slopes(state, true), slopes(state), slopes(state, false)];
  return Object.fromEntries(READINGS[state.reading].learned.map((part) => [letters(state)[part], found.map((each) => each[part])]));
}

const low = (k) => "₀₁₂₃₄₅"[k];
const bracket = (x) => (sig(x, 3).startsWith("-") ? `(${sig(x, 3)})` : sig(x, 3));

/** What happens at the moment that is shown, with its numbers. @param {State} state @returns {string} */
export function moment(state) {
  const { steps, rate, curvature } = state, now = Math.min(state.at ?? last(state), last(state));
  const points = positions(state), { weights, gates } = slopes(state), { weight: w, gate, learned } = READINGS[state.reading];
  if (now === 0) return `It begins at ${w}${low(0)} = ${sig(points[0], 3)}.`;
  if (now <= 2 * steps) {
    const k = Math.floor((now + 1) / 2), gradient = curvature * (points[k - 1] - state.support);
    return now % 2 ? `Forward: at ${w}${low(k - 1)} the support batch has the gradient ${sig(gradient, 3)}.`
      : `Forward: ${w}${low(k)} = ${sig(f(state), 3)} · ${bracket(points[k - 1])} + ${sig(rate, 3)} · ${bracket(-gradient)} = ${sig(points[k], 3)}.`;
  }
  if (now === 2 * steps + 1) return `Forward: at ${w}${low(steps)} the query loss is ${sig(loss(state), 3)}.`;
  if (now === 2 * steps + 2) return `Back: the slope at ${w}${low(steps)} is ${sig(weights[steps], 3)}.`;
  const k = last(state) - now, slope = sig(weights[k + 1], 3);
  let text = `Back to ${w}${low(k)}: ${slope} · ${sig(f(state), 3)} along the memory, `;
  text += state.keep[k] ? `${slope} · ${bracket(-rate * curvature)} along the dashed edge` : "nothing along the dashed edge, which is cut";
  text += `; together ${sig(weights[k], 3)}.`;
  return learned.includes("gate") ? `${text} Step ${k + 1} has the share ${sig(gates[k], 3)} in the slope for ${gate}.` : text;
}

/** @param {State} state @returns {string} */
export function summary(state) {
  const { steps } = state, kept = state.keep.slice(0, steps).filter(Boolean).length, { gate, forget } = READINGS[state.reading];
  const edges = kept === steps ? "all dashed edges" : !kept ? "no dashed edge" : `${kept} of ${steps} dashed edges`;
  const gates = `${gate} = ${sig(state.rate, 3)}${forget === "f" ? `, f = ${sig(state.forget, 3)}` : ""}`;
  let text = `${state.reading[0].toUpperCase()}${state.reading.slice(1)}: ${steps} step${steps === 1 ? "" : "s"}, ${gates}, ${edges}. Query loss ${sig(loss(state))}.`;
  for (const [name, [every, drawn, none]] of Object.entries(learned(state)))
    text += ` Its slope for ${name}: ${sig(drawn, 3)}; with every dashed edge ${sig(every, 3)}, with none ${sig(none, 3)}${every * none < 0 ? ", which has the opposite sign." : "."}`;
  return state.at === null ? text : `${text} ${moment(state)}`;
}

const minus = (text) => escape(text).replace("-", "−");
const on = ([[x0, y0], [x1, y1]], u) => [x0 + u * (x1 - x0), y0 + u * (y1 - y0)];
const write = (x, y, text, attributes = "") => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="middle" ${attributes}>${text}</text>`;

/** Markup of an arrow: a line and a head. @param {Point[]} edge @param {string} hue @param {string} [attributes] */
function arrow([[x0, y0], [x1, y1]], hue, attributes = "") {
  const long = Math.hypot(x1 - x0, y1 - y0), [u, v] = [(x1 - x0) / long, (y1 - y0) / long], [a, b] = [x1 - 9 * u, y1 - 9 * v];
  return `<g style="--hue: var(--${hue})" ${attributes}><path class="mlx-curve mlx-chain-edge" d="M${x0.toFixed(1)} ${y0.toFixed(1)}L${a.toFixed(1)} ${b.toFixed(1)}"/>`
    + `<path class="mlx-chain-head" d="M${x1.toFixed(1)} ${y1.toFixed(1)}L${(a - 5 * v).toFixed(1)} ${(b + 5 * u).toFixed(1)}L${(a + 5 * v).toFixed(1)} ${(b - 5 * u).toFixed(1)}Z"/></g>`;
}

function render(host) {
  return explorer(host, { title: "The unrolled chain, forward and back", watch: KEYS }, (view) => {
    const { get, set, guard, was } = view;
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    const end = () => last({ steps: get("steps") });

    const picture = plot({ label: "The chain: support batches, gradients, gates, weights, and the query loss", ratio: (width) => clamp(306 / width, 0.3, 0.95) });
    const bowls = plot({ label: "Both bowls with the weights on them", ratio: (width) => clamp(135 / width, 0.3, 0.7) });
    for (const layer of [picture.back, picture.front]) layer.setAttribute("aria-hidden", "true"); // the sentence under it says the numbers one by one
    const toggle = (k) => set({ keep: get("keep").map((each, j) => (j === k ? !each : each)) });
    // A dashed edge is a switch: the knob on it takes mouse, finger, space and Enter.
    const knobs = Array.from({ length: MOST }, (_, k) => {
      const mark = s("path", { class: "mlx-chain-mark" });
      const node = s("g", { class: "mlx-chain-knob", role: "switch", tabindex: 0, onclick: guard(() => toggle(k)),
        onkeydown: guard((event) => { if (event.key === " " || event.key === "Enter") { event.preventDefault(); toggle(k); } }) },
        s("circle", { r: 20, class: "mlx-touch" }), s("circle", { r: 10, class: "mlx-chain-disc" }), mark);
      picture.node.append(node);
      return { node, mark };
    });

    const reading = choice({ label: "What is learned", options: Object.keys(READINGS).map((value) => ({ value, text: value, hint: `Lesson ${LESSONS[value]}` })),
      get: () => get("reading"), set: (value) => set({ reading: value }) });
    const play = player({ label: "Play", every: 480, guard, last: end, get: () => Math.min(get("at") ?? end(), end()), set: (at) => set({ at: at >= end() ? null : at }) });
    const scrub = slider({ label: "moment", min: 0, max: 17, hue: "cell", get: () => Math.min(get("at") ?? end(), end()), set: (at) => set({ at: at >= end() ? null : at }),
      show: (now) => (now <= 2 * get("steps") + 1 ? `${now}, forward` : `${now}, back`) });
    scrub.node.classList.add("mlx-chain-now");
    const knob = (key, label, spec) => slider({ label, get: () => get(key), set: (x) => set({ [key]: x }), ...spec });
    const sliders = [
      knob("rate", "input gate, the rate", { hue: "input", min: 0.05, max: 2.5, step: 0.05 }),
      knob("steps", "steps T", { min: 1, max: MOST, step: 1 }),
    ];
    const forget = knob("forget", "forget gate f", { hue: "forget", min: 0.5, max: 1, step: 0.05 });
    const more = [
      knob("start", "start", { hue: "cell", min: -2, max: 2, step: 0.1 }),
      knob("support", "lowest point of S", { min: -2, max: 2, step: 0.1 }),
      knob("query", "lowest point of Q", { min: -2, max: 2, step: 0.1 }),
      knob("curvature", "curvature h", { hue: "warning", min: 0.1, max: 2, step: 0.1 }),
    ];
    const every = button("Keep", () => set({ keep: Array(MOST).fill(true) })), none = button("Cut", () => set({ keep: Array(MOST).fill(false) }));
    every.title = "Keep all dashed edges";
    none.title = "Cut all dashed edges";
    const told = h("p", { class: "mlx-chain-told" });
    const heads = ["", "", ""].map(() => h("th", { scope: "col" })), body = h("tbody");
    const table = h("table", { class: "mlx-chain-slopes" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Slope for"), ...heads)), body);
    const panels = layout(view, { picture: [picture.node], controls: [
      h("div", { class: "mlx-row" }, play.node, scrub.node), h("div", { class: "mlx-row" }, h("span", {}, "Dashed edges"), every, none),
      ...sliders.map(({ node }) => node), h("div", {}, forget.node), reading.node],
    panels: [{ name: "The two bowls", node: figure("S, solid: learned from. Q, dashed: judged on.", bowls.node, h("div", { class: "mlx-chain-lows" }, ...more.map(({ node }) => node))) }] });
    view.root.querySelector(".mlx-picture").append(told);
    view.root.querySelector(".mlx-picture").after(table);

    /** Places and edges of the chain, in pixels. */
    function chain(steps, width, height) {
      const close = width / (steps + 2) < 58, r = close ? 14 : 21, margin = r + 8, gap = (width - 2 * margin - 8) / (steps + 1), box = Math.min(62, gap - 4), top = close ? 112 : 88, low = height - 84;
      const x = (k) => margin + k * gap, mid = (k) => x(k) + gap / 2;
      const touch = ([a, b], [c, d]) => { const long = Math.hypot(c - a, d - b); return /** @type {Point} */ ([a + (r * (c - a)) / long, b + (r * (d - b)) / long]); };
      const each = Array.from({ length: steps }, (_, k) => {
        const left = /** @type {Point} */ ([mid(k) - box * 0.3, low - 22]), right = /** @type {Point} */ ([mid(k) + box * 0.3, low - 22]);
        return { memory: [[x(k) + r, top], [x(k + 1) - r, top]], dashed: [touch([x(k), top], left), left], gate: [right, touch([x(k + 1), top], right)],
          support: [[mid(k), height - 26], [mid(k), low + 22]] };
      });
      return { close, r, box, top, low, gap, x, mid, each, out: [[x(steps) + r, top], [x(steps + 1) - box / 2, top]], query: [[x(steps + 1), low - 14], [x(steps + 1), top + 22]] };
    }

    function drawn(now, place) {
      const [width, height] = picture.size(), { steps, keep } = now, all = chain(steps, width, height), { r, box, top, low, x, mid } = all;
      const points = positions(now), { weights } = slopes(now), { weight, forget: f, gate, learned } = READINGS[now.reading], digits = all.close ? 2 : 3;
      const past = (k) => place >= k, dim = (k) => (past(k) ? "" : 'opacity="0.35"'), value = (v, many = digits) => minus(sig(v, many));
      const turn = 2 * steps + 1, back = (k) => turn + 1 + (steps - k); // the moments of the loss, and of the slope at weight k
      let edges = "", nodes = "";
      const node = (cx, cy, size, hue, text, own, shown) => `<g style="--hue: var(--${hue})" ${dim(shown)}><circle class="mlx-chain-node ${own ? "mlx-chain-own" : ""}" cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="${size}"/>`
        + write(cx, cy + 5, text, 'class="mlx-name mlx-chain-letter"') + "</g>";
      all.each.forEach(({ memory, dashed, gate: inward, support }, k) => {
        edges += arrow(memory, "cell", dim(2 * k + 2)) + arrow(inward, "candidate", dim(2 * k + 2)) + arrow(support, "soft", dim(2 * k + 1));
        edges += arrow(dashed, "warning", `class="mlx-chain-dashed ${keep[k] ? "" : "mlx-chain-cut"}" ${dim(2 * k + 1)}`);
        nodes += `<g style="--hue: var(--candidate)" ${dim(2 * k + 1)}><rect class="mlx-chain-node" x="${(mid(k) - box / 2).toFixed(1)}" y="${low - 22}" width="${box.toFixed(1)}" height="44" rx="6"/>`
          + write(mid(k), low - 4, "−∇L", 'class="mlx-name mlx-chain-letter"') + "</g>"
          + (past(2 * k + 1) ? write(mid(k), low + 14, value(-now.curvature * (points[k] - now.support), all.close ? 1 : 3), 'class="mlx-chain-value"') : "");
        nodes += write(mid(k), height - 10, all.gap < 90 ? "S" : "support S", dim(2 * k + 1));
        const [gx, gy] = on(inward, all.gap < 90 ? 0.24 : 0.5);
        nodes += node(mid(k), top, all.close ? 8 : 11, "forget", f, learned.includes("forget"), 2 * k + 2) + node(gx, gy, 11, "input", gate, learned.includes("gate"), 2 * k + 2);
      });
      edges += arrow(all.out, "fg", dim(turn)) + arrow(all.query, "soft", dim(turn));
      points.forEach((theta, k) => {
        nodes += node(x(k), top, r, "cell", `${weight}${"₀₁₂₃₄₅"[k]}`, !k && learned.includes("start"), 2 * k);
        const up = top - r - 8 - (all.close && k % 2 ? 16 : 0), rise = all.close ? 36 : 21; // close neighbours stand on two heights
        const number = (y, text, name) => write(Math.max(x(k), long(text) / 2 + 4), y, text, `class="${name}"`);
        if (past(2 * k)) nodes += number(up, value(theta), "mlx-chain-value");
        if (past(back(k))) nodes += number(up - rise, value(weights[k]), "mlx-chain-slope");
      });
      const far = x(steps + 1);
      nodes += `<g style="--hue: var(--fg)" ${dim(turn)}><rect class="mlx-chain-node" x="${(far - box / 2).toFixed(1)}" y="${top - 22}" width="${box.toFixed(1)}" height="44" rx="6"/>${write(far, top - 4, "L", 'class="mlx-name mlx-chain-letter"')}</g>`
        + (past(turn) ? write(far, top + 14, minus(sig(loss(now), 2)), 'class="mlx-chain-value"') : "") + write(far, low + 4, all.gap < 90 ? "Q" : "query Q", dim(turn));
      const said = past(turn + 1) ? "slope, on the way back" : "";
      nodes += `<text x="8" y="20" class="mlx-chain-slope" text-anchor="start">${said && `◂ ${said}`}</text>`;
      picture.back.innerHTML = edges + nodes;
      picture.front.innerHTML = travellers(all, steps, keep, place);
      all.each.forEach(({ dashed }, k) => {
        const [kx, ky] = on(dashed, all.gap < 90 ? 0.3 : 0.46), kept = keep[k];
        knobs[k].node.setAttribute("transform", `translate(${kx.toFixed(1)} ${ky.toFixed(1)})`);
        knobs[k].node.setAttribute("aria-checked", String(kept));
        knobs[k].node.setAttribute("aria-label", `Dashed edge from ${weight}${"₀₁₂₃₄₅"[k]} into the gradient of step ${k + 1}`);
        knobs[k].mark.setAttribute("d", kept ? "M-4 0L-1 4L5 -4" : "M-4 -4L4 4M-4 4L4 -4");
        knobs[k].node.classList.toggle("mlx-chain-off", !kept);
      });
      knobs.forEach(({ node }, k) => node.toggleAttribute("hidden", k >= steps));
    }

    /** What is on its way between two moments: full dots forward, rings back. */
    function travellers({ each, out, query }, steps, keep, place) {
      const k = Math.floor(place), u = place - k, next = k + 1, turn = 2 * steps + 1;
      if (!u) return "";
      const dot = (edge, part, ring) => { const [px, py] = on(edge, part); return `<circle class="${ring ? "mlx-chain-ring" : "mlx-chain-dot"}" cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="${ring ? 8 : 7}"/>`; };
      if (next < turn) {
        const { dashed, support, memory, gate } = each[Math.floor(k / 2)];
        return next % 2 ? dot(dashed, u) + dot(support, u) : dot(memory, u) + dot(gate, u);
      }
      if (next === turn) return dot(out, u) + dot(query, u);
      if (next === turn + 1) return dot(out, 1 - u, true);
      const t = steps - (next - turn - 1), { memory, gate, dashed } = each[t];
      const aside = u < 0.5 ? dot(gate, 1 - 2 * u, true) : keep[t] ? dot(dashed, 2 - 2 * u, true) : "";
      return dot(memory, 1 - u, true) + aside;
    }

    function hills(now) {
      const [width, height] = bowls.size(), then = was(), range = Array.from({ length: 81 }, (_, k) => -2.5 + k / 16);
      const top = 0.5 * now.curvature * 6, bowl = (low) => range.map((v) => /** @type {Point} */ ([v, 0.5 * now.curvature * (v - low) * (v - low)])).filter(([, v]) => v <= top);
      const { back, front, x, y } = chart({ width, height, x: [-2.5, 2.5], y: [0, top], xLabel: READINGS[now.reading].weight, ys: [], left: 14, curves: [
        { points: bowl(now.support), hue: "fg", name: now.support === now.query ? "S = Q" : "S" },
        { points: bowl(now.query), hue: "soft", name: now.support === now.query ? "" : "Q", attributes: 'stroke-dasharray="6 5"' }] });
      const steps = (state, faint) => positions(state).filter((v) => Math.abs(v) <= 2.5).map((v, k) => {
        const [px, py] = [x(v), y(Math.min(0.5 * state.curvature * (v - state.support) * (v - state.support), top))];
        return `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="${k ? 5 : 7}" style="fill: ${faint ? "none" : "var(--cell)"}; stroke: var(--cell)" ${faint ? 'class="mlx-ghost"' : ""}/>`;
      }).join("");
      bowls.back.innerHTML = back;
      bowls.front.innerHTML = front + (then ? steps(then, true) : "") + steps(now, false);
    }

    return {
      summary: () => summary(state()),
      draw() {
        const now = state(), { kept, cut, gate } = READINGS[now.reading], place = clamp(play.at(), 0, end());
        const range = /** @type {any} */ (scrub.node.querySelector("input"));
        range.max = end();
        for (const control of [reading, play, scrub, ...sliders, forget, ...more]) control.draw();
        range.style.setProperty("--part", `${(100 * range.value) / end()}%`);
        /** @type {any} */ (sliders[0].node.querySelector("label")).textContent = gate === "ω" ? "what the optimizer learned, ω" : gate === "α" ? "inner rate α" : "input gate i, the rate";
        /** @type {any} */ (forget.node.parentElement).hidden = READINGS[now.reading].forget !== "f";
        drawn(now, place);
        told.textContent = moment(now);
        heads.forEach((head, k) => { head.textContent = [kept, "as set", cut][k]; });
        body.replaceChildren(...Object.entries(learned(now)).map(([name, found]) => h("tr", {}, h("th", { scope: "row" }, name),
          ...found.map((v, k) => h("td", {}, minus(sig(v, 3)), ...(k === 2 && found[0] * v < 0 ? [h("strong", {}, " opposite sign")] : []))))));
        if (panels.open()) hills(now);
      },
    };
  });
}

export default { render };
