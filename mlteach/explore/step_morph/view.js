// StepMorph: the update rule of gradient descent turns into the memory line of an LSTM cell. The step in numbers and the
// words are __init__.py's; a test compares the two.
import { ask, button, choice, clamp, explorer, h, layout, math, player, s, sig, slider, still } from "../base/base.js";

/** @typedef {{at: number, part: string, theta: number, rate: number}} State */

const KEYS = ["at", "part", "theta", "rate"], LOW = 2, LAST = 3;

const STOPS = [
  { name: "as everyone writes it", line: "θₜ = θₜ₋₁ − α ∇L(θₜ₋₁)", said: "One step against the gradient" },
  { name: "the minus moves", line: "θₜ = θₜ₋₁ + α (−∇L(θₜ₋₁))", said: "To take away is to add the negative: the minus goes to the gradient" },
  { name: "the 1 is written", line: "θₜ = 1 · θₜ₋₁ + α · (−∇L(θₜ₋₁))", said: "The old weights are kept whole: a factor of 1 comes to light" },
  { name: "new names", line: "cₜ = f · cₜ₋₁ + i · c̃ₜ", said: "Four parts get the names they have in an LSTM cell" },
];
const PARTS = {
  memory: "the weights θ are the memory c",
  "forget gate": "the 1 is the forget gate f",
  "input gate": "the rate α is the input gate i",
  candidate: "minus the gradient is the candidate c̃",
};
const HUES = { memory: "cell", "forget gate": "forget", "input gate": "input", candidate: "candidate" };

/** Both ways to write one step, on (θ - 2)² / 2. @param {number} theta @param {number} rate */
export function oneStep(theta, rate) {
  const gradient = theta - LOW, [forget, gate, candidate] = [1, rate, -gradient];
  const descent = theta - rate * gradient, cell = forget * theta + gate * candidate;
  return { gradient, candidate, descent, cell, difference: Math.abs(descent - cell) };
}

/** @param {State} state @returns {string} */
export function summary({ at, part, theta, rate }) {
  const k = Math.floor(at), here = STOPS[k], { cell, difference } = oneStep(theta, rate);
  let text = at === k ? `Stop ${k} of 3, ${here.name}: ${here.line}. ${here.said}.`
    : `${sig(100 * (at - k))} % of the way from ${here.line} to ${STOPS[k + 1].line}.`;
  if (part) text += ` Lit: ${PARTS[part]}.`;
  return `${text} From θ = ${sig(theta, 3)} with α = ${sig(rate, 3)} both ways of writing give ${sig(cell, 4)}; difference ${sig(difference)}.`;
}

/**
 * The terms of all lines from left to right, and their letters in line 0 to 3; "" where a line has no such term.
 * `from`: the terms that a new one comes out of and that one goes into which is gone, the first that the other line has.
 */
const TERMS = [
  { id: "new", part: "memory", text: ["θ_t", "θ_t", "θ_t", "c_t"] },
  { id: "equals", text: ["=", "=", "=", "="] },
  { id: "one", part: "forget gate", text: ["", "", "1", "f"], from: "old" },
  { id: "times", text: ["", "", "·", "·"], from: "old" },
  { id: "old", part: "memory", text: ["θ_{t−1}", "θ_{t−1}", "θ_{t−1}", "c_{t−1}"] },
  { id: "take", part: "candidate", text: ["−", "", "", ""], from: "minus" },
  { id: "plus", text: ["", "+", "+", "+"], from: "take" },
  { id: "rate", part: "input gate", text: ["α", "α", "α", "i"] },
  { id: "dot", text: ["", "", "·", "·"], from: "rate" },
  { id: "open", part: "candidate", text: ["", "(", "(", ""], from: "gradient" },
  { id: "minus", part: "candidate", text: ["", "−", "−", ""], from: "take gradient" },
  { id: "gradient", part: "candidate", text: ["∇L(θ_{t−1})", "∇L(θ_{t−1})", "∇L(θ_{t−1})", "c̃_t"] },
  { id: "close", part: "candidate", text: ["", ")", ")", ""], from: "gradient" },
];
const THREADS = ["new", "one", "old", "rate", "minus", "gradient"]; // whose ways are drawn

const ease = (u) => u * u * (3 - 2 * u);

/** The points of the way between two places: down, across, down. @param {number[]} a @param {number[]} b */
const bend = ([x0, y0], [x1, y1]) => [[x0, y0], [x0, (y0 + y1) / 2], [x1, (y0 + y1) / 2], [x1, y1]];

/** The first part of a curve of Bézier, by de Casteljau: its four points; the last is where it has come to. */
function first(points, u) {
  const mix = (a, b) => [a[0] + u * (b[0] - a[0]), a[1] + u * (b[1] - a[1])];
  const [a, b, c, d] = points, ab = mix(a, b), bc = mix(b, c), cd = mix(c, d), abc = mix(ab, bc), bcd = mix(bc, cd);
  return [a, ab, abc, mix(abc, bcd)];
}

/** All digits of a number: no other number has this text. */
const digits = (x) => String(x).replace("-", "−");

function render(host) {
  return explorer(host, { title: "From gradient descent to the LSTM cell", watch: KEYS }, (view) => {
    const { get, set, guard } = view;
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    let hovered = "", hand = false;

    const term = (text, part, extra = "") => {
      const node = h("span", { class: `mlx-term ${part ? "mlx-hued" : ""} ${extra}`, style: part && `--hue: var(--${HUES[part]})` }, ...(text ? [math(text)] : []));
      if (!part) return node;
      node.addEventListener("pointerenter", () => { hovered = part; view.redraw(); });
      node.addEventListener("pointerleave", () => { hovered = ""; view.redraw(); });
      node.addEventListener("click", () => set({ part: get("part") === part ? "" : part }));
      return node;
    };
    // Each line lies in the flow of the page, so the browser knows the place of each term; what flies is moved from there.
    const faces = STOPS.map((_, row) => new Map(TERMS.filter(({ text }) => text[row]).map(({ id, text, part }) => [id, term(text[row], part)])));
    const leavers = new Map(); // of the letters that are crossed out on the way to the next line
    for (const { id, text, part } of TERMS) for (let row = 0; row < LAST; row++)
      if (text[row] && text[row] !== text[row + 1]) leavers.set(`${id} ${row}`, term(text[row], part, "mlx-morph-leaver"));
    const lines = STOPS.map(({ name }, row) => h("div", { class: "mlx-morph-row" }, h("span", { class: "mlx-morph-name" }, name),
      h("span", { class: "mlx-morph-line" }, ...faces[row].values())));
    const threads = s("svg", { "aria-hidden": "true" });
    const board = h("div", { class: "mlx-morph", role: "img" }, threads, ...lines, ...leavers.values());

    let places = null, wide = 0;
    new ResizeObserver(() => { if (board.clientWidth !== wide) { wide = board.clientWidth; places = null; ask(board); } }).observe(board);
    document.fonts?.ready.then(() => { places = null; ask(board); });
    /** Centre of each term in its line, in pixels of the board, and half its height; asked of the page once a width. */
    function measure() {
      if (places || !board.clientWidth) return places;
      return (places = faces.map((row) => new Map([...row].map(([id, { offsetLeft, offsetTop, offsetWidth, offsetHeight }]) =>
        [id, { at: [offsetLeft + offsetWidth / 2, offsetTop + offsetHeight / 2], size: [offsetWidth, offsetHeight] }]))));
    }
    const place = (each, row) => [each.id, ...(each.from ?? "").split(" ")].map((id) => places[row].get(id)).find(Boolean);
    /** From where to where a term goes between two lines. */
    const way = (each, row) => bend(place(each, row).at, place(each, row + 1).at);

    function put(node, { at, size }, [x, y], opacity) {
      node.style.transform = `translate(${(x - at[0]).toFixed(1)}px, ${(y - at[1]).toFixed(1)}px)`;
      node.style.opacity = opacity.toFixed(3);
      node.style.visibility = opacity > 0 ? "" : "hidden";
      if (node.classList.contains("mlx-morph-leaver")) {
        node.style.left = `${at[0] - size[0] / 2}px`;
        node.style.top = `${at[1] - size[1] / 2}px`;
      }
    }

    function morph(progress, lit) {
      if (!measure()) return;
      const row = Math.min(Math.floor(progress), LAST), u = ease(progress - row);
      let drawn = "";
      for (const each of TERMS) {
        const { id, text, part } = each, hue = part && HUES[part];
        for (let r = 0; r <= LAST; r++) {
          const face = faces[r].get(id), leaver = leavers.get(`${id} ${r}`);
          const flies = r === row + 1 && u > 0;
          if (face) {
            const here = places[r].get(id), old = text[r] === text[r - 1];
            put(face, here, flies ? first(way(each, r - 1), u)[3] : here.at, r <= row ? 1 : flies ? (old ? 1 : u) : 0);
          }
          if (leaver) put(leaver, places[r].get(id), first(way(each, r), u)[3], r === row && u > 0 ? 1 - u : 0);
          if (!THREADS.includes(id) || r === LAST || r > row || (r === row && !u)) continue;
          if (!text[r] && !text[r + 1]) continue;
          const [a, b] = [place(each, r), place(each, r + 1)];
          const path = bend([a.at[0], a.at[1] + a.size[1] / 2], [b.at[0], b.at[1] - b.size[1] / 2]), p = r < row ? path : first(path, u);
          drawn += `<path style="--hue: var(--${hue})" ${part === lit ? 'class="mlx-morph-lit"' : ""} d="M${p[0]}C${p.slice(1).map(String).join(" ")}"/>`;
        }
      }
      threads.innerHTML = drawn;
      lines.forEach((node, r) => {
        node.classList.toggle("mlx-morph-here", r === Math.round(progress));
        /** @type {HTMLElement} */ (node.firstChild).style.visibility = r <= progress + 0.5 ? "" : "hidden";
      });
      board.classList.toggle("mlx-lit", Boolean(lit));
      for (const each of TERMS) for (const node of [...faces.map((face) => face.get(each.id)), leavers.get(`${each.id} 0`), leavers.get(`${each.id} 1`), leavers.get(`${each.id} 2`)])
        node?.classList.toggle("mlx-acts", Boolean(lit) && each.part === lit);
    }

    const ROWS = [
      ["old memory", "memory", "θ_{t−1}", "c_{t−1}", (now) => now.theta, (now) => now.theta],
      ["forget gate", "forget gate", "", "f", () => 1, () => 1],
      ["input gate", "input gate", "α", "i", (now) => now.rate, (now) => now.rate],
      ["candidate", "candidate", "−∇L", "c̃_t", (_, n) => -n.gradient, (_, n) => n.candidate],
      ["new memory", "memory", "θ_t", "c_t", (_, n) => n.descent, (_, n) => n.cell],
    ];
    const told = ROWS.map(() => [h("span"), h("span")]), apart = h("b");
    const body = ROWS.map(([name, part, left, right], k) => {
      const cell = (text, value) => h("td", {}, ...(text ? [h("span", { class: "mlx-hued", style: `--hue: var(--${HUES[part]})` }, math(text)), " = "] : []), value);
      const row = h("tr", { style: `--hue: var(--${HUES[part]})` }, h("th", { scope: "row" }, name), cell(left, told[k][0]), cell(right, told[k][1]));
      row.addEventListener("pointerenter", () => { hovered = part; view.redraw(); });
      row.addEventListener("pointerleave", () => { hovered = ""; view.redraw(); });
      return row;
    });
    const numbers = h("table", { class: "mlx-morph-numbers" },
      h("caption", {}, "One real step on ", math("L(θ) = ½(θ − 2)²"), ", all digits. Difference of the two new memories: ", apart),
      h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col" }, "gradient descent"), h("th", { scope: "col" }, "LSTM cell"))),
      h("tbody", {}, ...body));

    const play = player({ label: "Play", every: 1300, guard, last: () => LAST, get: () => get("at"),
      set: (at) => { hand = false; set({ at: clamp(at, 0, LAST) }); } });
    const scrub = slider({ label: "how far", min: 0, max: LAST, step: 0.01, hue: "cell", show: (x) => (Number.isInteger(x) ? `stop ${x}` : sig(x, 3)),
      get: () => get("at"), set: (at) => { hand = true; set({ at: still() ? Math.round(at) : at }); } });
    const stops = choice({ label: "Stops", quiet: true, options: ["θ − α∇L", "minus", "times 1", "LSTM cell"].map((text, value) => ({ value, text, hint: STOPS[value].line })),
      get: () => get("at"), set: (at) => { hand = false; set({ at }); } });
    const parts = choice({ label: "Light up, in all lines", options: [...Object.keys(PARTS).map((value) => ({ value, text: value, hint: PARTS[value] })), { value: "", text: "none" }],
      get: () => get("part"), set: (part) => set({ part }) });
    const knobs = [
      slider({ label: "weight before the step, θ", hue: "cell", min: -3, max: 5, step: 0.1, get: () => get("theta"), set: (theta) => set({ theta }) }),
      slider({ label: "rate α, the input gate", hue: "input", min: 0.01, max: 1.5, step: 0.01, get: () => get("rate"), set: (rate) => set({ rate }) }),
    ];
    layout(view, { picture: [board], controls: [h("div", { class: "mlx-row" }, play.node, scrub.node), stops.node, parts.node, ...knobs.map(({ node }) => node),
      button("Reset", () => { hand = false; set({ at: 0, part: "", theta: 0.3, rate: 0.1 }); })] });
    view.root.querySelector(".mlx-picture").after(numbers);

    return {
      summary: () => summary(state()),
      draw() {
        const now = state(), step = oneStep(now.theta, now.rate), lit = hovered || now.part, glided = play.at();
        for (const control of [play, scrub, stops, parts, ...knobs]) control.draw();
        morph(clamp(still() ? Math.round(now.at) : hand && !play.playing() ? now.at : glided, 0, LAST), lit);
        board.setAttribute("aria-label", `The line as it stands: ${STOPS[Math.round(now.at)].line}`);
        ROWS.forEach(([, part, , , left, right], k) => {
          told[k][0].textContent = digits(left(now, step));
          told[k][1].textContent = digits(right(now, step));
          body[k].classList.toggle("mlx-morph-lit", part === lit);
        });
        apart.textContent = digits(step.difference);
      },
    };
  });
}

export default { render };
