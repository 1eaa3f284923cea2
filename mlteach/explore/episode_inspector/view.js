// EpisodeInspector: deal a few-shot episode, adapt to it, judge its queries and what you draw. The mathematics is
// __init__.py's: the same episodes from the same seed, the same network in float64; a test compares the two.
import { along, axes, button, choice, clamp, explorer, figure, h, layout, mulberry32, named, player, plot, s, scale, sig, slider, stroke } from "../base/base.js";
import { bodyOf, features } from "../base/conv4.js";
import { menu } from "../base/menu.js";
import { PIXELS, SIDE, ink, padOf, paint, paper } from "../base/pen.js";

const LAST = 10, EPISODES = 100;
const MOST = { ways: 10, shots: 5, queries: 5 };
const NAMES = "ABCDEFGHIJ";

/** @typedef {{alphabet: string, ways: number, shots: number, queries: number, seed: number, classifier: string, network: string, mode: string,
 *             rate: number, step: number, picked: number, strokes: number[][], own: Record<string, number[][]>, judged: number[]}} State */
/** @typedef {{weight: Float64Array, bias: Float64Array}} Head */

// ---- Dealing: tasks/pool.py ----

function shuffled(seed, things) {
  const order = [...things], next = mulberry32(seed);
  for (let k = 0; k < order.length; k++) {
    const j = k + Math.floor(next() * (order.length - k));
    [order[k], order[j]] = [order[j], order[k]];
  }
  return order;
}

/** One task: its classes in the order of their labels, and who drew the pictures of each.
 * @param {number} seed @param {number[]} classes @param {number} drawers @param {number} ways @param {number} shots @param {number} queries */
export function deal(seed, classes, drawers, ways, shots, queries) {
  const chosen = shuffled(seed, classes).slice(0, ways);
  const hands = chosen.map((each) => shuffled(1009 * seed + 1 + each, Array.from({ length: drawers }, (_, d) => d)));
  return { classes: chosen, support: hands.map((hand) => hand.slice(0, shots)), query: hands.map((hand) => hand.slice(drawers - queries)) };
}

/** Pictures of four grey levels, two bits a pixel, as bytes with ink 255. @param {DataView} view @returns {Uint8Array[]} */
export function unpack(view) {
  const count = view.byteLength / (PIXELS / 4);
  return Array.from({ length: count }, (_, k) =>
    Uint8Array.from({ length: PIXELS }, (_, i) => 85 * ((view.getUint8((k * PIXELS + i) >> 2) >> (2 * (i & 3))) & 3)));
}

// ---- The head: inner/ ----

/** Class probabilities of one row of features. @param {Head} head @param {Float64Array} row @returns {Float64Array} */
export function softmax({ weight, bias }, row) {
  const out = bias.slice();
  let most = -Infinity, sum = 0;
  for (let c = 0; c < out.length; c++) {
    for (let d = 0; d < row.length; d++) out[c] += weight[c * row.length + d] * row[d];
    most = Math.max(most, out[c]);
  }
  for (let c = 0; c < out.length; c++) sum += out[c] = Math.exp(out[c] - most);
  return out.map((v) => v / sum);
}

/** The head before and after each inner step: gradient descent on the mean cross-entropy, from zero.
 * @param {Float64Array[]} rows @param {number[]} labels @param {number} ways @param {number} rate @param {number} steps @returns {Head[]} */
export function adapt(rows, labels, ways, rate, steps) {
  const size = rows[0].length, path = [{ weight: new Float64Array(ways * size), bias: new Float64Array(ways) }];
  for (let step = 0; step < steps; step++) {
    const now = path[step], weight = now.weight.slice(), bias = now.bias.slice();
    rows.forEach((row, k) => softmax(now, row).forEach((p, c) => {
      const slope = (rate * (p - (c === labels[k] ? 1 : 0))) / rows.length;
      bias[c] -= slope;
      for (let d = 0; d < size; d++) weight[c * size + d] -= slope * row[d];
    }));
    path.push({ weight, bias });
  }
  return path;
}

// ---- The inspector ----

const largest = (values) => { let at = 0; values.forEach((v, k) => { if (v > values[at]) at = k; }); return at; };
const smallest = (values) => largest(values.map((v) => -v));
const percent = (part, all) => Math.floor((100 * part) / all + 0.5);

/** Squared distance of two pictures in ink, exact: whole numbers until the end. @param {Uint8Array} a @param {Uint8Array} b */
function difference(a, b) {
  let sum = 0;
  for (let i = 0; i < PIXELS; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum / 65025;
}

const gap = (a, b) => a.reduce((sum, v, d) => sum + (v - b[d]) ** 2, 0);

/** The last result of `f`, kept for as long as `key` says the same. @template T @param {(state: any) => string} key @param {(state: any) => T} f @returns {(state: any) => T} */
function kept(key, f) {
  let name, value;
  return (state) => {
    const now = key(state);
    if (now !== name) [name, value] = [now, f(state)];
    return value;
  };
}

/**
 * All that can be asked of the pool and the network, each part computed when it is first needed and kept.
 * @param {{pictures: DataView, names: string[], drawers: number, theta: DataView, filters: number, head: string,
 *         networks?: string[]}} data  of several networks `state.network` names the one that answers
 */
export function inspector(data) {
  const { names, drawers, filters, head } = data, pictures = unpack(data.pictures);
  const networks = data.networks?.length ? data.networks : [""], trained = Boolean(data.theta?.byteLength);
  const bodies = trained ? networks.map((_, k) => {
    const { buffer, byteOffset, byteLength } = data.theta, each = byteLength / networks.length;
    return bodyOf(new DataView(buffer, byteOffset + k * each, each), filters);
  }) : [];
  const bodyIn = (state) => bodies[networks.indexOf(state.network ?? "")];
  const alphabets = [...new Set(names.map((name) => name.split("/")[0]))];
  /** @param {string} alphabet */
  const classesOf = (alphabet) => names.flatMap((name, k) => (alphabet === "any" || name.split("/")[0] === alphabet ? [k] : []));
  const task = ({ alphabet, ways, shots, queries, seed }) => JSON.stringify([alphabet, ways, shots, queries, seed]);
  const learnt = (state) => task(state) + JSON.stringify([state.own, state.rate, state.network]);
  const ids = (dealt, part) => dealt.classes.flatMap((c, label) => dealt[part][label].map((d) => c * drawers + d));

  const episode = kept((state) => task(state) + JSON.stringify(state.own), (state) => {
    const dealt = deal(state.seed, classesOf(state.alphabet), drawers, state.ways, state.shots, state.queries);
    const [support, query] = [ids(dealt, "support"), ids(dealt, "query")];
    const x = support.map((id) => pictures[id]);
    for (const [label, strokes] of Object.entries(state.own)) x[Number(label) * state.shots] = ink(strokes);
    return { classes: dealt.classes, support: x, query: query.map((id) => pictures[id]), ids: query,
      supportLabels: support.map((_, k) => Math.floor(k / state.shots)), queryLabels: query.map((_, k) => Math.floor(k / state.queries)) };
  });
  const adapted = kept(learnt, (state) => {
    const { support, supportLabels } = episode(state), { rows, statistics } = features(bodyIn(state), support, head);
    return { rows, statistics, path: adapt(rows, supportLabels, state.ways, state.rate, LAST) };
  });
  const judged = kept((state) => learnt(state) + state.mode, (state) => { // [step][query]: class probabilities
    const { path, statistics } = adapted(state);
    const { rows } = features(bodyIn(state), episode(state).query, head, state.mode === "support" ? statistics : undefined);
    return path.map((phi) => rows.map((row) => softmax(phi, row)));
  });
  const drawing = kept((state) => JSON.stringify(state.strokes), (state) => ink(state.strokes));
  const seen = kept((state) => learnt(state) + JSON.stringify(state.strokes), (state) =>
    features(bodyIn(state), [drawing(state)], head, adapted(state).statistics).rows[0]);

  /** The squared distance of a picture to the nearest support picture of each class. */
  const nearest = (picture, support, { ways, shots }) =>
    Array.from({ length: ways }, (_, c) => Math.min(...support.slice(c * shots, (c + 1) * shots).map((each) => difference(picture, each))));
  const distances = kept((state) => task(state) + JSON.stringify(state.own), (state) => { // [query][class]
    const { support, query } = episode(state);
    return query.map((picture) => nearest(picture, support, state));
  });
  const between = new Float64Array(pictures.length ** 2).fill(-1); // of pictures in the pool, as they meet
  const met = (a, b) => {
    const pair = Math.min(a, b) * pictures.length + Math.max(a, b);
    if (between[pair] < 0) between[pair] = difference(pictures[a], pictures[b]);
    return between[pair];
  };
  const counts = kept(task, (state) => Array.from({ length: EPISODES }, (_, k) => {
    const dealt = deal(k + 1, classesOf(state.alphabet), drawers, state.ways, state.shots, state.queries), support = ids(dealt, "support");
    const right = (query, at) => Math.floor(smallest(support.map((each) => met(query, each))) / state.shots) === Math.floor(at / state.queries);
    return ids(dealt, "query").filter(right).length;
  }));

  /** What a picture that is no query is taken for: by the network alone with the support set's statistics, or by its pixels. */
  const classify = (state) => {
    const picture = drawing(state), { support } = episode(state);
    if (state.classifier === "pixels") {
      const values = nearest(picture, support, state);
      return { values, says: smallest(values), like: smallest(support.map((each) => difference(picture, each))) };
    }
    const { path, rows } = adapted(state), row = seen(state), values = softmax(path[state.step], row);
    return { values, before: softmax(path[0], row), says: largest(values), like: smallest(rows.map((each) => gap(row, each))) };
  };
  /** The class each query is taken for. @returns {number[]} */
  const answers = (state, step = state.step) => (state.classifier === "pixels" ? distances(state).map(smallest) : judged(state)[step].map(largest));
  const rights = (state, step = state.step) => answers(state, step).filter((says, k) => says === Math.floor(k / state.queries)).length;
  const nameOf = (c) => names[c].split("/").map(spaced);
  return { alphabets, nameOf, classesOf, episode, adapted, judged, drawing, distances, counts, classify, answers, rights, trained };
}

/** Over the hundred episodes: [queries right in percent, half width of the 95 % interval]. @param {number[]} counts @param {number} queries  in an episode */
export function overall(counts, queries) {
  const n = counts.length, sum = counts.reduce((a, b) => a + b, 0), squares = counts.reduce((a, b) => a + b * b, 0);
  return [(100 * sum) / (n * queries), (196 * Math.sqrt(Math.max(squares - (sum * sum) / n, 0) / (n - 1) / n)) / queries];
}

/** 1 when the network takes the drawing for `label`, and 2 more when its nearest picture is of it. Before any step the
 * network knows nothing: then it is asked after the last. @param {ReturnType<typeof inspector>} ask @param {State} state @param {number} label */
export function verdict(ask, state, label) {
  const says = (classifier) => ask.classify({ ...state, classifier, step: state.step || LAST }).says === label;
  return (ask.trained && says("network") ? 1 : 0) + (says("pixels") ? 2 : 0);
}

const round = (x) => Math.floor(x + 0.5);
const spaced = (name) => name.replaceAll("_", " ");
const tenth = (p) => (Math.floor(10 * p + 0.5) / 10).toFixed(1);
const after = (step) => (step === 0 ? "before any inner step" : `after ${step} inner step${step > 1 ? "s" : ""}`);

/** How often each judge knew what you drew: [asked, network, pixels]. @param {number[]} judged */
export const tally = (judged) => [(v) => v >= 0, (v) => v === 1 || v === 3, (v) => v >= 2].map((test) => judged.filter(test).length);

/** Stars for redrawing every character of the episode. @param {State} state @param {boolean} trained */
export function stars({ judged, ways }, trained) {
  const [asked, network, pixels] = tally(judged), share = (trained ? network : pixels) / ways;
  return asked < ways ? 0 : [0.6, 0.8, 1].filter((limit) => share >= limit).length;
}

/** @param {ReturnType<typeof inspector>} ask @param {State} state @returns {string} */
export function summary(ask, state) {
  const { ways, shots, queries, classifier, picked } = state, all = ways * queries, right = ask.rights(state);
  const where = state.alphabet === "any" ? "any alphabet" : spaced(state.alphabet), truth = NAMES[Math.floor(picked / queries)], said = NAMES[ask.answers(state)[picked]];
  const known = `${right} of ${all} queries right (${percent(right, all)} %)`;
  let text = `${ways}-way ${shots}-shot, ${where}, episode ${state.seed}. `;
  if (classifier === "pixels") {
    const [mean, half] = overall(ask.counts(state), all);
    text += `Nearest neighbour on pixels: ${known}; over ${EPISODES} such episodes ${round(mean)} ± ${round(half)} %. Query ${picked} is ${truth}; nearest to it is a picture of ${said}.`;
  } else {
    text += `The network ${state.network ? `(${state.network}) ` : ""}${after(state.step)}, ${state.mode} statistics: ${known}; nearest neighbour on pixels ${percent(ask.rights({ ...state, classifier: "pixels" }), all)} %. `
      + `Query ${picked} is ${truth}; the network says ${said} with probability ${tenth(ask.judged(state)[state.step][picked][NAMES.indexOf(said)])}.`;
  }
  if (state.strokes.length) {
    const { values, says } = ask.classify(state);
    text += classifier === "pixels" ? ` Your drawing is nearest to a picture of ${NAMES[says]}.` : ` Your drawing: the network says ${NAMES[says]} with probability ${tenth(values[says])}.`;
  }
  const own = Object.keys(state.own).map(Number).sort((a, b) => a - b);
  if (own.length) text += ` You drew the support picture of ${own.map((c) => NAMES[c]).join(", ")}.`;
  const [asked, network, pixels] = tally(state.judged);
  if (asked) text += ` In your hand: ${ask.trained ? `the network knows ${network} of ${asked}, ` : ""}nearest neighbour ${pixels} of ${asked}.`;
  return text;
}

// ---- The view ----

const KEYS = ["alphabet", "ways", "shots", "queries", "seed", "classifier", "network", "mode", "rate", "step", "picked", "strokes", "own", "judged"];

const show = (node, on) => { if (node.hidden === on) node.hidden = !on; };
const say = (node, text) => { if (node.textContent !== text) node.textContent = text; };

/** Bars of one picture, a class a row: its probability, or its distance, where the shortest wins. */
function barsOf(label) {
  const rows = Array.from(NAMES, (name) => {
    const bar = h("span", { class: "mlx-bar" }), old = h("span", { class: "mlx-old" }), before = h("span", { class: "mlx-before" }), value = h("span", { class: "mlx-value" }), truth = h("span", { class: "mlx-true" });
    return { bar, old, before, value, truth, node: h("li", {}, h("span", {}, name), h("span", { class: "mlx-track" }, bar, old, before), value, truth) };
  });
  const node = h("ul", { class: "mlx-bars", "aria-label": label }, ...rows.map((row) => row.node));
  /** @param {{values: ArrayLike<number>, before?: ArrayLike<number>, says: number} | null} found @param {number} ways @param {number} truth
   * @param {string} hue @param {ArrayLike<number> | null} [ghost]  the values when a drag began */
  function draw(found, ways, truth, hue, ghost = null) {
    node.style.setProperty("--hue", `var(--${hue})`);
    const most = found && !found.before ? Math.max(...Array.from(found.values), 1e-9) : 1;
    rows.forEach((row, k) => {
      show(row.node, k < ways);
      if (k >= ways) return;
      row.bar.style.width = found ? `${(100 * found.values[k]) / most}%` : "0";
      show(row.old, Boolean(found && ghost));
      if (found && ghost) row.old.style.width = `${Math.min((100 * ghost[k]) / most, 100)}%`;
      show(row.before, Boolean(found?.before));
      if (found?.before) row.before.style.left = `${100 * found.before[k]}%`;
      say(row.value, found ? (found.before ? found.values[k].toFixed(2) : sig(found.values[k], 3)) : "");
      const said = k === found?.says;
      say(row.truth, said && truth >= 0 ? (k === truth ? "◀ right" : "◀ wrong") : said ? "◀" : k === truth ? "true" : "");
      row.node.classList.toggle("mlx-says", said);
      row.node.classList.toggle("mlx-wrong", truth >= 0 && said && k !== truth);
    });
  }
  return { node, draw };
}

// In pixels: what stands under a picture (in little room: its bar alone, and the answer on it), what before those of a class, and gaps.
const UNDER = { roomy: 27, tight: 11 }, BEFORE = 44, GAP = 5, LEAST = 22, READS = 25, MOST_TILE = 60;

/** How large the pictures of an episode can be in so much room, in how many columns the classes stand, and whether it is tight.
 * @param {{ways: number, shots: number, queries: number}} episode @param {number} width @param {number} height
 * @returns {{tile: number, columns: number, tight: boolean}} */
export function fit({ ways, shots, queries }, width, height) {
  const sizes = [false, true].flatMap((tight) => [1, 2].map((columns) => {
    const across = ((width - (columns - 1) * 14) / columns - BEFORE - GAP * (shots + queries - 1)) / (shots + queries);
    return { tight, columns, tile: Math.floor(Math.min(across, height / Math.ceil(ways / columns) - UNDER[tight ? "tight" : "roomy"], MOST_TILE)) };
  }));
  const best = (some) => some.reduce((a, b) => (b.tile > a.tile ? b : a)), roomy = best(sizes.slice(0, 2));
  const { tile, columns, tight } = roomy.tile >= READS ? roomy : best(sizes.slice(2));
  return tile >= LEAST ? { tile, columns, tight } : { tile: LEAST, columns: 1, tight: true }; // taller than the room
}

function render(host) {
  return explorer(host, { title: "Few-shot episodes, and your own handwriting", watch: KEYS }, (view) => {
    const { get, set, redraw, guard, was } = view;
    const drawers = get("drawers");
    const ask = inspector({ pictures: get("pictures"), names: get("names"), drawers, theta: get("theta"), filters: get("filters"), head: get("head"), networks: get("networks") });
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));

    /** A change of what is dealt: kept within what there is; what belonged to the old episode goes. */
    const redeal = (change) => {
      const next = { ...state(), ...change };
      next.ways = Math.min(next.ways, ask.classesOf(next.alphabet).length, MOST.ways);
      if ("shots" in change) next.queries = Math.min(next.queries, drawers - next.shots);
      else next.shots = Math.min(next.shots, drawers - next.queries);
      const { alphabet, ways, shots, queries, seed } = next;
      set({ alphabet, ways, shots, queries, seed, picked: Math.min(get("picked"), ways * queries - 1), own: {}, judged: [] });
    };
    const count = (label, hint, key, min, max) => {
      const control = slider({ label, min, max, get: () => get(key), set: (x) => redeal({ [key]: x }) });
      control.node.title = hint;
      return control;
    };
    const most = Math.min(MOST.ways, Math.max(...ask.alphabets.map((name) => ask.classesOf(name).length)));
    const where = menu({ label: "Alphabet", options: ["any", ...ask.alphabets].map((value) => ({ value, text: spaced(value) })), get: () => get("alphabet"), set: (alphabet) => redeal({ alphabet }) });
    const sliders = [count("ways", "classes", "ways", 2, most), count("shots", "support pictures of a class", "shots", 1, Math.min(MOST.shots, drawers - 1)),
      count("queries", "of a class", "queries", 1, Math.min(MOST.queries, drawers - 1))];
    const number = count("episode", "which task is dealt", "seed", 1, EPISODES);
    const fresh = button("New episode", () => redeal({ seed: (get("seed") % EPISODES) + 1 }));

    // A row a class: what it learns from, framed; then its queries, each a button with the answer and how sure it is of the truth.
    const tile = (tag, attributes, ...more) => { const canvas = paper(); return { canvas, node: h(tag, attributes, canvas, ...more) }; };
    const rows = Array.from(NAMES, (name, row) => {
      const support = Array.from({ length: MOST.shots }, () => {
        const badge = h("span", { class: "mlx-badge" });
        return { badge, ...tile("span", { class: "mlx-tile mlx-support", role: "img" }, badge) };
      });
      const queries = Array.from({ length: MOST.queries }, (_, column) => {
        const badge = h("span", { class: "mlx-badge" }), part = s("rect", { height: 5 }), sure = s("svg", { class: "mlx-sure", "aria-hidden": "true" }, part);
        return { badge, part, sure, ...tile("button", { type: "button", class: "mlx-tile", onclick: () => {
          set({ picked: row * get("queries") + column });
          if (!panels.open()) panels.show(QUERY);
        } }, sure, badge) };
      });
      return { support, queries, node: h("div", { class: "mlx-class", role: "group", "aria-label": `class ${name}` }, h("span", { class: "mlx-class-name" }, name),
        ...support.map((each) => each.node), h("span", { class: "mlx-between" }), ...queries.map((each) => each.node)) };
    });
    const board = h("div", { class: "mlx-board", onkeydown: guard((event) => {
      const { ways, queries, picked } = state(), last = ways * queries - 1, far = event.shiftKey ? 10 : 1;
      const to = { ArrowRight: picked + far, ArrowLeft: picked - far, ArrowDown: picked + far * queries, ArrowUp: picked - far * queries, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = clamp(to, 0, last);
      set({ picked: next });
      rows[Math.floor(next / queries)].queries[next % queries].node.focus();
    }) }, ...rows.map((row) => row.node));

    const networks = get("networks") ?? [], pixelsToo = { value: "pixels", text: "nearest neighbour", hint: "on pixels" };
    const judges = networks.length ? [...networks.map((name) => ({ value: `network ${name}`, text: name, hint: "a network" })), pixelsToo] : [{ value: "network", text: "the network" }, pixelsToo];
    const judge = ask.trained ? choice({ label: "Who answers?", options: judges,
      get: () => (networks.length && get("classifier") === "network" ? `network ${get("network")}` : get("classifier")),
      set: (value) => {
        const network = value.slice("network ".length);
        set(networks.includes(network) ? { classifier: "network", network, ...(network === get("network") ? {} : { judged: [] }) } : { classifier: value });
      } }) : null;
    const mode = choice({ label: "Batch-norm statistics", options: [
      { value: "support", text: "support", hint: "of the support set: each query is answered alone" }, { value: "transductive", text: "transductive", hint: "of the query set: each answer depends on the other queries" }],
      get: () => get("mode"), set: (value) => set({ mode: value }) });
    const scrub = slider({ label: "inner steps", min: 0, max: LAST, hue: "maml", get: () => get("step"), set: (step) => set({ step }), show: (x) => String(x) });
    const play = player({ label: "Adapt", get: () => get("step"), set: (step) => set({ step }), last: () => LAST, guard });
    const steered = [h("div", { class: "mlx-row" }, play.node, scrub.node), mode.node];
    const curve = plot({ label: "Share of queries right", ratio: (width) => (width < 360 ? 210 : 165) / width }), heading = h("span");
    curve.node.setAttribute("role", "img"); // nothing in it is read aloud but its name: the summary says the numbers

    const large = paper(), about = h("p"), bars = barsOf("What the picked query is taken for"), key = h("p", { class: "mlx-key" });
    const pad = padOf({ get: () => get("strokes"), set: (strokes) => set({ strokes }), redraw, guard });
    const mine = barsOf("What your drawing is taken for"), like = paper(), alike = h("span");
    let meant = 0;
    const pick = choice({ label: "This is meant to be class", quiet: true, options: Array.from(NAMES, (text, value) => ({ value, text })), get: () => meant, set: (label) => { meant = label; redraw(); } });
    const letters = pick.node.querySelectorAll("label");
    const ruled = button("Ask: do you know it?", guard(() => {
      const judged = Array.from({ length: get("ways") }, (_, c) => get("judged")[c] ?? -1);
      judged[meant] = verdict(ask, state(), meant);
      set({ judged });
    }));
    const teach = button("", guard(() => set({ own: { ...get("own"), [meant]: get("strokes") } })));
    teach.title = "In place of the first support picture of that class";
    const back = button("Original", () => set({ own: {} }));
    back.title = "The support pictures that were dealt";
    const undo = button("Undo", () => set({ strokes: get("strokes").slice(0, -1) })), clear = button("Clear", () => set({ strokes: [] }));
    const score = h("p", { class: "mlx-verdict" });
    const hint = "Draw here as the others do. Keys: arrows move the pen, Space lowers and lifts it, Backspace undoes, Delete clears.";
    const hand = h("div", { class: "mlx-hand", role: "group", "aria-label": "Your own hand" },
      h("div", { class: "mlx-strokes" }, h("p", { class: "mlx-key", title: hint }, h("strong", {}, "Draw")), undo, clear), pad.node,
      h("div", { class: "mlx-answer" }, mine.node, h("div", { class: "mlx-like" }, like, alike)));
    pad.node.title = hint;
    pad.node.firstElementChild.setAttribute("aria-description", hint);
    const episode = h("div", { class: "mlx-episode" }, h("div", { class: "mlx-desk" },
      h("div", {}, h("p", { class: "mlx-key" }, "Framed: support.", h("span", { class: "mlx-sure-key" }, " Bar: how sure of the truth.")), board), hand));

    const QUERY = "The query", RIGHT = "How many right", TASK = "Your task";
    const panels = layout(view, {
      picture: [episode],
      controls: [...steered, ...(judge ? [judge.node] : []), h("div", { class: "mlx-row" }, fresh, number.node),
        h("div", { class: "mlx-row mlx-counts" }, ...sliders.map((each) => each.node)), where.node],
      panels: [
        { name: QUERY, node: h("div", { class: "mlx-looked" }, h("div", { class: "mlx-pick" }, h("div", { class: "mlx-large" }, large), h("div", {}, about, key), bars.node)) },
        { name: RIGHT, node: h("figure", { class: "mlx-figure" }, h("figcaption", {}, heading), curve.node) },
        { name: TASK, node: h("div", { class: "mlx-task" }, h("p", {}, h("strong", {}, "Your task. "), "Copy each class, say which you mean, ask. ",
          ask.trained ? "Three stars when the network knows all." : "Three stars when nearest neighbour knows all."),
        h("div", { class: "mlx-buttons" }, h("span", {}, "I mean"), pick.node), h("div", { class: "mlx-buttons" }, ruled, teach, back), score) },
      ] });

    // How much room there is: the pad stands beside the episode or under it, and makes room for a panel that opens under both.
    let wide = 960, room = 600;
    const sizes = new ResizeObserver(() => { wide = view.root.clientWidth; room = board.clientWidth; redraw(); });
    for (const node of [view.root, board]) sizes.observe(node);
    let laid = "";
    function arrange(now) {
      const open = panels.open(), middle = wide >= 560 && wide < 820;
      show(hand, !(middle && open && open !== TASK));
      const desk = wide < 560 ? view.root.querySelector(".mlx-controls") : episode.firstElementChild; // on a telephone the episode alone stays in sight
      if (hand.parentNode !== desk) desk.insertBefore(hand, desk.querySelector(":scope > .mlx-folds"));
      const height = wide >= 820 ? (open ? 265 : 410) : middle ? (open === TASK ? 180 : open ? 300 : 330) : 260;
      const { tile: size, columns, tight } = fit(now, room, height);
      if (laid === (laid = `${size} ${columns} ${tight} ${now.ways}`)) return;
      board.classList.toggle("mlx-tight", tight);
      board.style.setProperty("--tile", `${size}px`);
      board.style.gridTemplateColumns = `repeat(${columns}, max-content)`;
      board.style.gridTemplateRows = `repeat(${Math.ceil(now.ways / columns)}, auto)`;
    }

    /** Accuracy after each step, beside guessing and nearest neighbour. */
    function steps(now, t, then) {
      const [width, height] = curve.size(), all = now.ways * now.queries, left = 40, right = width - 14, bottom = height - 40;
      const x = scale(0, LAST, left, right), y = scale(0, 100, bottom, 12), flat = (v) => [[left, y(v)], [right, y(v)]];
      const points = Array.from({ length: LAST + 1 }, (_, k) => [x(k), y((100 * ask.rights(now, k)) / all)]);
      const pixels = (100 * ask.rights({ ...now, classifier: "pixels" })) / all, chance = 100 / now.ways;
      const low = y(chance) + 16 < bottom - 2, over = pixels >= chance || !low;
      const net = points.at(-1)[1], above = net > y(Math.max(pixels, chance)) - 34 && net < y(Math.max(pixels, chance)) ? -1 : 1;
      const [px, py] = along(points, t);
      curve.back.innerHTML = axes({ x, y, xs: Array.from({ length: LAST + 1 }, (_, k) => k), ys: [0, 50, 100], left, right, bottom, xLabel: "inner step" });
      curve.front.innerHTML = stroke(flat(chance), "baseline", 'stroke-dasharray="7 5"') + stroke(flat(pixels), "metric", 'stroke-dasharray="2 4"') + stroke(points, "maml")
        + named(right - 4, y(pixels) + (over ? -6 : 16), "nearest neighbour", "metric", "end") + named(x(LAST / 2), y(chance) + (low ? 16 : -6), "guessing", "baseline", "end")
        + named(right - 4, clamp(net + 19 * above, 14, bottom), "the network", "maml", "end")
        + (then ? `<circle class="mlx-ghost" cx="${points[then.step][0]}" cy="${points[then.step][1]}" r="7" style="fill: none; stroke: var(--maml); stroke-width: 2"/>` : "")
        + `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="7" style="fill: var(--maml); stroke: var(--bg); stroke-width: 2"/>`;
    }

    /** How many of the hundred episodes have so many queries right. */
    function histogram(now) {
      const [width, height] = curve.size(), all = now.ways * now.queries, counts = ask.counts(now), [mean, half] = overall(counts, all);
      const left = 40, right = width - 14, bottom = height - 40, bins = Math.min(all, 25), part = 100 / bins;
      const tall = Array(bins + 1).fill(0), bin = (c) => Math.round((c * bins) / all);
      counts.forEach((c) => { tall[bin(c)]++; });
      const high = Math.max(...tall), x = scale(-part / 2, 100 + part / 2, left, right), y = scale(0, high * 1.3, bottom, 12);
      const box = (k, hue, n) => `<rect x="${(x(k * part - part / 2) + 0.7).toFixed(1)}" width="${Math.max(x(part) - x(0) - 1.4, 1).toFixed(1)}" y="${y(n).toFixed(1)}" height="${(bottom - y(n)).toFixed(1)}" style="fill: var(--${hue})"/>`;
      const here = bin(ask.rights({ ...now, classifier: "pixels" }));
      curve.back.innerHTML = axes({ x, y, xs: [0, 20, 40, 60, 80, 100], ys: [0, high], left, right, bottom, xLabel: "queries right, %" })
        + `<text x="${left}" y="16">episodes</text>`;
      const chance = 100 / now.ways, side = mean > 60 ? "end" : "start", shift = side === "end" ? -6 : 6;
      curve.front.innerHTML = tall.map((n, k) => (n ? box(k, "metric", n) : "")).join("") + (now.seed <= EPISODES ? box(here, "fg", Math.max(tall[here] * 0.16, high * 0.05)) : "")
        + stroke([[x(chance), bottom], [x(chance), 24]], "baseline", 'stroke-dasharray="7 5"') + stroke([[x(mean), bottom], [x(mean), 12]], "metric")
        + named(x(mean) + shift, 24, `mean ${round(mean)} ± ${round(half)} %`, "metric", side)
        + (x(chance) < left + 86 ? named(x(chance) + 5, 38, "guessing", "baseline") : named(x(chance) - 5, 38, "guessing", "baseline", "end"));
    }

    /** The network's probabilities of a query at a real step. @param {Float64Array[][]} path @param {number} t @param {number} at @returns {number[]} */
    const between = (path, t, at) => along(path.slice(Math.floor(t), Math.floor(t) + 2).map((all) => Array.from(all[at])), t - Math.floor(t));

    function tiles(now, dealt, said, path, t) {
      const tight = board.classList.contains("mlx-tight");
      rows.forEach((row, c) => {
        show(row.node, c < now.ways);
        if (c >= now.ways) return;
        row.support.forEach((each, k) => {
          show(each.node, k < now.shots);
          if (k >= now.shots) return;
          const yours = k === 0 && String(c) in now.own;
          paint(each.canvas, dealt.support[c * now.shots + k]);
          say(each.badge, yours ? "yours" : "");
          each.node.setAttribute("aria-label", `support picture of class ${NAMES[c]}${yours ? ", drawn by you" : ""}`);
        });
        row.queries.forEach((each, k) => {
          show(each.node, k < now.queries);
          if (k >= now.queries) return;
          const at = c * now.queries + k, right = said[at] === c;
          paint(each.canvas, dealt.query[at]);
          say(each.badge, right ? (tight ? "" : "✓") : tight ? NAMES[said[at]] : `✗ ${NAMES[said[at]]}`);
          each.sure.toggleAttribute("hidden", !path);
          if (path) each.part.setAttribute("width", `${(100 * between(path, t, at)[c]).toFixed(1)}%`);
          each.node.classList.toggle("mlx-wrong", !right);
          each.node.tabIndex = at === now.picked ? 0 : -1;
          each.node.setAttribute("aria-pressed", at === now.picked);
          each.node.setAttribute("aria-label", `query ${at}, class ${NAMES[c]}: taken for ${NAMES[said[at]]}, ${right ? "right" : "wrong"}`);
        });
      });
    }

    // What the drawing was taken for when the drag began.
    const drawnThen = kept((then) => JSON.stringify(then), (then) => ask.classify(then));

    function drawing(now, dealt, hue, then) {
      const drawn = now.strokes.length > 0, found = drawn ? ask.classify(now) : null;
      meant = Math.min(meant, now.ways - 1);
      pad.draw(ask.drawing(now));
      mine.draw(found, now.ways, -1, hue, drawn && then?.strokes.length ? drawnThen(then).values : null);
      show(like, drawn);
      if (found) paint(like, dealt.support[found.like]);
      say(alike, found ? `nearest by ${now.classifier === "pixels" ? "pixels" : "features"}: ${NAMES[dealt.supportLabels[found.like]]}` : "Or by keys: arrows move the pen, Space lowers it.");
      for (const each of [undo, clear, ruled, teach]) each.disabled = !drawn;
    }

    function task(now) {
      letters.forEach((letter, k) => show(letter, k < now.ways));
      pick.draw();
      say(teach, `Teach it as ${NAMES[meant]}`);
      show(back, Object.keys(now.own).length > 0);
      const [asked, network_knows, pixels] = tally(now.judged), earned = stars(now, ask.trained);
      say(score, asked ? `Asked about ${asked} of ${now.ways}: ${ask.trained ? `the network knows ${network_knows}, ` : ""}nearest neighbour ${pixels}. ${"★".repeat(earned)}${"☆".repeat(3 - earned)}`
        : "Nothing asked yet. ☆☆☆");
    }

    /** The chosen query, large. */
    function query(now, dealt, said, path, t, hue, then) {
      const label = dealt.queryLabels[now.picked], [alphabet, character] = ask.nameOf(dealt.classes[label]);
      paint(large, dealt.query[now.picked]);
      say(about, `Query ${now.picked} is class ${NAMES[label]}: ${alphabet}, ${character}.`);
      say(key, path ? "Bar: probability. Tick: before adaptation." : "Squared distance to the nearest support picture: the shortest wins.");
      bars.draw(path ? { values: between(path, t, now.picked), before: path[0][now.picked], says: said[now.picked] }
        : { values: ask.distances(now)[now.picked], says: said[now.picked] }, now.ways, label, hue, path && then && then.step !== now.step ? path[then.step][now.picked] : null);
    }

    return {
      summary: () => summary(ask, state()),
      draw() {
        const now = state(), dealt = ask.episode(now), said = ask.answers(now), pixels = now.classifier === "pixels", hue = pixels ? "metric" : "maml";
        const t = play.at(), then = was(), path = pixels ? null : ask.judged(now), open = panels.open();
        for (const control of [where, number, ...sliders, ...(judge ? [judge] : []), mode, scrub, play]) control.draw();
        for (const node of steered) show(node, !pixels);
        show(episode.querySelector(".mlx-sure-key"), !pixels);
        arrange(now);
        tiles(now, dealt, said, path, t);
        drawing(now, dealt, hue, then && then.strokes !== now.strokes ? then : null);
        if (open === QUERY) query(now, dealt, said, path, t, hue, then);
        if (open === TASK) task(now);
        if (open !== RIGHT) return;
        say(heading, pixels ? "What nearest neighbour gets right in a hundred episodes like this one. The foot marks this one." : "Queries right after each inner step (%).");
        if (pixels) histogram(now);
        else steps(now, t, then && then.step !== now.step ? then : null);
      },
    };
  });
}

export default { render };
