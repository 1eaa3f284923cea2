// Ingredients: the parts of MAML++ switched on and off, over recorded runs. Which run is shown and what is said of it are
// __init__.py's; a test compares the two.
import { button, chart, choice, clamp, decades, explorer, figure, h, layout, plot, power, sig } from "../base/base.js";

/** @typedef {{rate: string, alpha: number, on: string[], accuracy: number[][], norms: number[][], rates: Record<string, number[]>}} Run */

const KEYS = ["rate", "on", "runs", "every"];
const HINTS = {
  "multi-step loss": "the queries are judged after every inner step",
  "order annealing": "first order in the first part of the training",
  "norm weights": "gamma and beta of their own for each step",
  "learned rates": "a learned rate for each tensor and each step",
  cosine: "the outer rate falls along a cosine",
  clip: "the outer gradient is shortened to length 1",
  "zero head": "each task starts from a head of zeros",
};
const SWITCHES = Object.keys(HINTS), ALL = SWITCHES.slice(0, 5);

/** The run at this rate that differs in the fewest switches; of several the first.
 * @param {Run[]} runs @param {string} rate @param {string[]} on @returns {{run: Run, away: number}} */
export function nearest(runs, rate, on) {
  const away = (run) => SWITCHES.filter((name) => run.on.includes(name) !== on.includes(name)).length;
  let best = null;
  for (const run of runs) if (run.rate === rate && (!best || away(run) < away(best))) best = run;
  return { run: best, away: away(best) };
}

/** @param {number[][]} seeds */
const means = (seeds) => seeds[0].map((_, k) => seeds.reduce((sum, seed) => sum + seed[k], 0) / seeds.length);

/** @param {string[]} on */
function words(on) {
  if (!on.length) return "plain MAML";
  const all = ALL.every((name) => on.includes(name));
  return [...(all ? ["all of MAML++"] : []), ...SWITCHES.filter((name) => on.includes(name) && !(all && ALL.includes(name)))].join(" + ");
}

/** @param {{rate: string, on: string[]}} state @param {Run[]} runs @returns {string} */
export function summary({ rate, on }, runs) {
  const { run, away } = nearest(runs, rate, on);
  let text = `Inner rate ${sig(run.alpha)}, ${words(on)}`;
  if (away) text += `: not recorded. The nearest recorded run, ${away} switch${away > 1 ? "es" : ""} away, is ${words(run.on)}`;
  const every = run.norms.flat().sort((a, b) => a - b);
  return `${text}. Right after 0 to ${run.accuracy[0].length - 1} inner steps: ${means(run.accuracy).map((m) => sig(m, 3)).join(", ")} %; at the end by seed ${run.accuracy.map((seed) => sig(seed.at(-1), 3)).join(", ")} %. `
    + `Length of the outer gradient: median ${sig(every[Math.floor(every.length / 2)])}, most ${sig(every.at(-1))}.`;
}

function render(host) {
  return explorer(host, { title: "MAML++, one ingredient at a time", watch: KEYS }, (view) => {
    const { get, set } = view;
    let text = null, runs = [];
    const all = () => (get("runs") === text ? runs : ((text = get("runs")), (runs = JSON.parse(text))));
    const ratio = (wide) => (wide < 420 ? 165 : panels?.below() ? 170 : 215) / wide;
    let panels = null;
    const steps = plot({ label: "Right answers after each inner step", ratio });
    const norms = plot({ label: "Length of the outer gradient over training", ratio });
    const rates = plot({ label: "Learned rates by layer and inner step", ratio: (wide) => (panels?.below() ? 230 / wide : clamp(300 / wide, 0.5, 1.1)) });
    for (const { back, front } of [steps, norms, rates]) for (const layer of [back, front]) layer.setAttribute("aria-hidden", "true");

    const where = choice({ label: "Inner rate α", options: [{ value: "bad", text: "bad" }, { value: "tuned", text: "tuned" }], get: () => get("rate"), set: (rate) => set({ rate }) });
    const flip = (name) => set({ on: SWITCHES.filter((each) => (each === name) !== get("on").includes(each)) });
    const boxes = SWITCHES.map((name) => {
      const box = h("input", { type: "checkbox", onchange: () => flip(name) });
      return { name, box, node: h("label", { title: HINTS[name] }, box, h("span", {}, name)) };
    });
    const group = (label, names) => h("fieldset", { class: "mlx-choice" }, h("legend", {}, label), ...boxes.filter(({ name }) => names.includes(name)).map(({ node }) => node));
    const presets = h("div", { class: "mlx-row" }, button("None", () => set({ on: [] })), button("All of MAML++", () => set({ on: [...ALL] })));
    const told = h("p", { class: "mlx-ingredients-told" });
    panels = layout(view, { picture: [steps.node, norms.node], panels: [{ name: "Learned rates", node: figure("Rates after training, means over the seeds.", rates.node, told) }],
      controls: [where.node, group("Ingredients of MAML++", ALL), group("One line each, none of MAML++", SWITCHES.slice(5)), presets] });

    /** A chart in an svg. */
    function drawn(sheet, spec) {
      const [width, height] = sheet.size(), made = chart({ width, height, ...spec });
      sheet.back.innerHTML = made.back;
      sheet.front.innerHTML = made.front;
    }
    /** The curves of the run that is shown, and under them plain MAML's at the same rate. */
    const both = (make) => {
      const { run } = nearest(all(), get("rate"), get("on")), plain = nearest(all(), get("rate"), []).run;
      return [...(run === plain ? [] : make(plain, "baseline", "plain MAML")), ...make(run, run === plain ? "baseline" : "maml", words(run.on))];
    };

    return {
      summary: () => summary({ rate: get("rate"), on: get("on") }, all()),
      draw() {
        const { run } = nearest(all(), get("rate"), get("on"));
        where.draw();
        norms.node.style.display = panels.below() ? "none" : ""; // the panel takes its place
        for (const { name, box } of boxes) box.checked = get("on").includes(name);
        const look = (hue) => (hue === "baseline" ? "stroke-dasharray='7 5'" : "");
        drawn(steps, { x: [0, run.accuracy[0].length - 1], y: [15, 100], xs: run.accuracy[0].map((_, k) => k), ys: [20, 40, 60, 80, 100], xLabel: "inner steps", yLabel: "right on new characters, %",
          curves: both((each, hue, name) => [
            ...each.accuracy.map((seed) => ({ points: seed.map((v, k) => [k, v]), hue, attributes: `${look(hue)} stroke-opacity='.45' stroke-width='1'` })),
            { points: means(each.accuracy).map((v, k) => [k, v]), hue, name, attributes: look(hue) }]) });
        const tall = Math.max(...all().flatMap((each) => each.norms.flat())), high = Math.ceil(Math.log10(tall)), low = Math.floor(Math.log10(Math.min(...all().flatMap((each) => each.norms.flat()))));
        const every = get("every"), long = run.norms[0].length * every;
        drawn(norms, { x: [0, long], y: [low, high], ys: decades(low, high, 4), yText: power, xLabel: "outer step", yLabel: "length of the outer gradient",
          curves: both((each, hue, name) => each.norms.map((seed, k) => ({ points: seed.map((v, n) => [(n + 0.5) * every, Math.log10(v)]), hue, name: k ? "" : name, attributes: look(hue) }))) });
        if (panels.open() !== "Learned rates") return;
        const layers = Object.entries(run.rates), most = Math.max(run.alpha, ...layers.flatMap(([, values]) => values)), least = Math.min(0, ...layers.flatMap(([, values]) => values));
        told.textContent = layers.length ? "" : `In the run that is shown the rate is ${sig(run.alpha)} for all layers and steps.`;
        drawn(rates, { x: [1, 5], y: [least, 1.12 * most], xs: [1, 2, 3, 4, 5], xLabel: "inner step", yLabel: "rate α",
          curves: [{ points: [[1, run.alpha], [5, run.alpha]], hue: "baseline", attributes: look("baseline") },
            ...layers.map(([name, values], k) => ({ points: values.map((v, n) => [n + 1, v]), hue: ["cell", "forget", "input", "candidate", "fg"][k % 5], name }))] });
      },
    };
  });
}

export default { render };
