// Scoreboard: the table of all methods as a picture, its axes chosen by the reader. Columns, families and rows come from __init__.py;
// the front and the words are computed here too, and a test compares the two.
import { axes, clamp, decades, escape, explorer, figure, h, layout, line, long, named, plot, pointer, s, scale, sig, slider, tween } from "../base/base.js";
import { address } from "../base/links.js";
import { menu } from "../base/menu.js";

/** @typedef {{words: string, short: string, unit: string, up: boolean, none: string}} Column
 *  @typedef {{name: string, lesson: string, page: string, family: string, values: Record<string, [number, number] | null>}} Row
 *  @typedef {{columns: Record<string, Column>, families: Record<string, {words: string, hue: string}>}} Words
 *  @typedef {{x: string, y: string, chosen: string, least: number}} State */

const KEYS = ["x", "y", "chosen", "least", "rows"], LEAST = 0.1, RIGHT = [20, 50, 80, 90, 95, 98, 99, 99.5], FINER = [60, 70, 85, 93, 96, 97, 98.5];
/** A family's shape around (0, 0), so that its colour is not alone. */
const SHAPES = {
  floor: "M-2.6-7h5.2v4.4H7v5.2H2.6V7h-5.2V2.6H-7v-5.2h4.4z", step: "M0-8L8 0 0 8-8 0z", start: "M-6.5 0a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0z",
  "first order": "M0-7.5L7.5 6h-15z", metric: "M-6-6H6V6H-6z", memory: "M-4-7l4 4 4-4 3 3-4 4 4 4-3 3-4-4-4 4-3-3 4-4-4-4z", attention: "M-3.8-6.6h7.6L7.6 0 3.8 6.6h-7.6L-7.6 0z",
};

/** Which points no other one beats: none is as good in both numbers and better in one. From the best in the first on.
 * @param {([number, number] | null)[]} points @param {boolean[]} up @returns {number[]} */
export function front(points, up) {
  const better = points.map((p) => p && p.map((v, d) => (up[d] ? v : -v))), kept = [];
  const order = points.map((_, k) => k).filter((k) => better[k]).sort((a, b) => better[b][0] - better[a][0] || better[b][1] - better[a][1]);
  for (const k of order) {
    const last = better[kept.at(-1)];
    if (!last || better[k][1] > last[1] || (better[k][0] === last[0] && better[k][1] === last[1])) kept.push(k);
  }
  return kept;
}

/** A number in few letters: 0.012, 340, 112k, 1.5M. @param {number} x */
export function amount(x, digits = 3) {
  if (Math.abs(x) >= 999500) return `${sig(x / 1e6, digits)}M`;
  return Math.abs(x) >= 9995 ? `${sig(x / 1e3, digits)}k` : sig(x, digits);
}
const tenth = (x) => (Math.floor(10 * x + 0.5) / 10).toFixed(1);

/** A value with its interval and unit, or in words that there is none. @param {Column} column @param {[number, number] | null} value */
function told(column, value) {
  if (!value) return column.none;
  const [mean, half] = value, percent = column.unit === "%";
  return `${percent ? tenth(mean) : amount(mean)}${half ? ` ± ${percent ? tenth(half) : amount(half, 2)}` : ""} ${column.unit}`.trimEnd();
}

/** Whether a method is right often enough to be shown. @param {Row} row @param {number} least */
const enough = ({ values: { transductive } }, least) => !least || Boolean(transductive && transductive[0] >= least);

/** @param {State} state @param {Row[]} rows @param {Words} words */
const ahead = ({ x, y, least }, rows, { columns }) =>
  front(rows.map((row) => (enough(row, least) && row.values[x] && row.values[y] ? [row.values[x][0], row.values[y][0]] : null)), [columns[x].up, columns[y].up]);

/** @param {State} state @param {Row[]} rows @param {Words} words @returns {string} */
export function summary(state, rows, words) {
  const { x, y, chosen, least } = state, { columns, families } = words, row = rows.find(({ name }) => name === chosen);
  const names = ahead(state, rows, words).map((k) => rows[k].name).join(", "), values = [x, y].map((key) => told(columns[key], row.values[key])).join("; ");
  return `Across: ${columns[x].words}; up: ${columns[y].words}. ${chosen} (${families[row.family].words}): ${values}. `
    + (names ? `On the front${least ? ` of those right in at least ${least} %` : ""}, beaten by no other: ${names}.` : "No method has a value in both columns.");
}

/** An axis over some values: where a number stands, and its ticks. Costs are spaced by their logarithm, which has no place for 0: it
 * stands below the least. Percent right are spaced by the logarithm of what is wrong.
 * @param {Column} column @param {([number, number] | null)[]} values @param {number} from @param {number} to  in pixels, of the least and the most */
export function axis({ up }, values, from, to) {
  const level = (v) => (up ? -Math.log10(Math.max(100 - v, LEAST)) : Math.log10(v));
  const there = values.filter((v) => v), ends = there.flatMap(([mean, half]) => [mean - half, mean, mean + half]).filter((v) => up || v > 0).map(level);
  let low = Math.min(...ends), high = Math.max(...ends);
  if (!ends.length) [low, high] = [0, 1];
  if (high - low < 0.3) [low, high] = [low - 0.15, high + 0.15];
  const span = high - low, zero = !up && there.some(([mean]) => mean <= 0), nought = low - 0.12 * span;
  [low, high] = [low - (zero ? 0.2 : up ? 0.07 : 0.12) * span, high + (up ? 0.12 : 0.07) * span]; // room for the arrow at the better end
  const place = scale(low, high, from, to), at = (v) => place(up || v > 0 ? Math.max(level(v), low) : nought);
  const powers = decades(Math.floor(low), Math.ceil(high), 99), times = (...steps) => powers.flatMap((k) => steps.map((n) => n * 10 ** k));
  const wanted = up ? [...RIGHT, ...FINER] : [...(zero ? [0] : []), ...times(1), ...times(2, 5), ...times(3, 7)], marks = [];
  for (const v of wanted) if ((!v || (level(v) >= low && level(v) <= high)) && marks.every((other) => Math.abs(at(v) - at(other)) > 40)) marks.push(v);
  return { at, marks };
}

/** Where names can stand beside their dots, so that none lies on a dot, a name or a taken box; null where there is no room, but the
 * first of the order stands in any case. @param {[number, number][]} dots @param {number[]} widths @param {number[]} order
 * @param {{left: number, right: number, top: number, bottom: number, taken?: number[][]}} room @returns {([number, number] | null)[]}  left end and baseline, from the dot */
export function beside(dots, widths, order, { left, right, top, bottom, taken = [] }) {
  const boxes = [...taken, ...dots.map(([x, y]) => [x - 8, y - 8, x + 8, y + 8])], found = dots.map(() => null);
  for (const k of order) {
    const [x, y] = dots[k], wide = widths[k], over = clamp(-wide / 2, left - x, right - wide - x);
    const near = [[11, 5], [-wide - 11, 5], [over, -12], [over, 22], [9, -8], [9, 18], [-wide - 9, -8], [-wide - 9, 18]], far = [[over, -24], [over, 34]];
    const meets = ([a, b]) => boxes.filter((box) => x + a < box[2] && x + a + wide > box[0] && y + b - 13 < box[3] && y + b + 4 > box[1]).length;
    const inside = [...near, ...(k === order[0] ? far : [])].filter(([a, b]) => x + a >= left && x + a + wide <= right && y + b - 13 >= top && y + b + 4 <= bottom), hits = inside.map(meets);
    const spot = inside[k === order[0] ? hits.indexOf(Math.min(...hits)) : hits.indexOf(0)];
    if (!spot) continue;
    found[k] = spot;
    boxes.push([x + spot[0], y + spot[1] - 13, x + spot[0] + wide, y + spot[1] + 4]);
  }
  return found;
}

/** The room of the picture: a frame, strips at the worse ends for methods without a value, and what is left for the others.
 * @param {Column[]} pair  of the axes across and up @param {boolean[]} lack @param {[number, number]} size */
function rooms([across, upward], lack, [width, height]) {
  const frame = { left: 50, right: width - 12, top: 26, bottom: height - 42 }, inner = { ...frame }, wide = lack[0] ? 54 : 0, tall = lack[1] ? 46 : 0;
  if (across.up) inner.left += wide;
  else inner.right -= wide;
  if (upward.up) inner.bottom -= tall;
  else inner.top += tall;
  const edge = across.up ? frame.left : inner.right, lid = upward.up ? inner.bottom : frame.top; // of the strips: left, top
  const side = { x: across.up ? edge + 16 : edge + 48, y: (frame.top + frame.bottom) / 2, half: long(across.none) / 2 }, line = { x: (inner.left + inner.right) / 2, y: lid + 16, half: long(upward.none) / 2 };
  return { frame, inner, nowhere: [across.up ? edge + 36 : edge + 18, lid + 32],
    taken: [...(lack[0] ? [[side.x - 13, side.y - side.half, side.x + 4, side.y + side.half]] : []), ...(lack[1] ? [[line.x - line.half, line.y - 13, line.x + line.half, line.y + 4]] : [])],
    drawn: (lack[0] ? `<path class="mlx-score-strip" d="M${edge} ${frame.top}h${wide}V${frame.bottom}h${-wide}z"/><text text-anchor="middle" transform="translate(${side.x} ${side.y}) rotate(-90)">${escape(across.none)}</text>` : "")
      + (lack[1] ? `<path class="mlx-score-strip" d="M${frame.left} ${lid}H${frame.right}v${tall}H${frame.left}z"/><text text-anchor="middle" x="${line.x}" y="${line.y}">${escape(upward.none)}</text>` : "") };
}

function render(host) {
  return explorer(host, { title: "All methods, by what you ask of them", watch: KEYS }, (view) => {
    const { get, set, guard } = view, words = JSON.parse(get("words")), { columns, families } = words;
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    let text = null, every = [], rows = [], kept = "", nodes = [], places = [], over = null, wide = 0, shown = "";
    const hue = (row) => families[row.family].hue, paint = (family) => (family === "attention" ? "#F0E442" : `var(--${families[family].hue})`);

    const kinds = [["right answers", true], ["what it costs", false]].map(([heading, up]) => ({ heading,
      options: Object.keys(columns).filter((key) => columns[key].up === up).map((value) => ({ value, text: columns[value].short })) }));
    const menus = [["Across", "x"], ["Up", "y"]].map(([label, key]) => menu({ label, options: kinds, get: () => get(key), set: (value) => set({ [key]: value }) }));
    const picture = plot({ label: "The methods as dots", ratio: (width) => (width < 420 ? 0.98 : width < 560 ? 0.9 : 0.66) });
    const field = s("g", { role: "radiogroup", "aria-label": "Methods" }), above = s("g", { "aria-hidden": "true" });
    for (const layer of [picture.back, picture.front]) layer.setAttribute("aria-hidden", "true");
    picture.node.append(field, above);
    picture.node.classList.add("mlx-score");
    const glide = tween(picture.node);
    const told_ = h("div", { class: "mlx-score-told" }), link = h("a"), name = h("b"), kind = h("span"), list = h("dl");
    told_.append(h("p", {}, name, " ", kind), list, link);
    const key = h("ul", { class: "mlx-score-key", "aria-label": "Families" });
    const least = slider({ label: "right at least, %", min: 0, max: 95, get: () => get("least"), set: (least) => set({ least }) });
    layout(view, { picture: [figure("The line joins those that no other beats. Percent is spaced by errors.", picture.node), key],
      controls: [h("div", { class: "mlx-score-menus" }, ...menus.map(({ node }) => node)), least.node, told_] });

    /** All rows. */
    function all() {
      if (get("rows") !== text) [every, kept] = [JSON.parse((text = get("rows"))), ""];
      return every;
    }
    /** The rows that are shown, the chosen one among them; with other ones, other dots. */
    function seen() {
      const there = all().filter((row) => enough(row, get("least")) || row.name === get("chosen")), names = JSON.stringify(there.map((row) => row.name));
      if (kept === names) return rows;
      [rows, kept, over] = [there, names, null];
      const held = field.contains(document.activeElement);
      nodes = rows.map((row) => s("g", { role: "radio", tabindex: -1, "aria-label": row.name, class: "mlx-score-dot", style: `--hue: ${paint(row.family)}` },
        s("desc"), s("circle", { class: "mlx-score-ring", r: 12 }), s("path", { d: SHAPES[row.family] })));
      field.replaceChildren(...nodes);
      if (held) nodes[rows.findIndex((row) => row.name === get("chosen"))].focus({ preventScroll: true });
      const shape = (family) => s("svg", { viewBox: "-9 -9 18 18", class: "mlx-score-shape", style: `--hue: ${paint(family)}`, "aria-hidden": "true" }, s("path", { d: SHAPES[family] }));
      key.replaceChildren(...Object.keys(families).filter((family) => rows.some((row) => row.family === family)).map((family) => h("li", {}, shape(family), families[family].words)));
      return rows;
    }
    const choose = (k, focus = true) => {
      set({ chosen: rows[k].name });
      if (focus) nodes[k].focus({ preventScroll: true });
    };
    const near = (event, reach) => {
      const at = pointer(picture.node, event), far = places.map((p) => Math.hypot(p[0] - at[0], p[1] - at[1])), k = far.indexOf(Math.min(...far));
      return far[k] <= reach ? k : null;
    };
    picture.node.addEventListener("click", guard((event) => {
      const own = nodes.indexOf(event.target.closest("[role=radio]")), k = own >= 0 ? own : near(event, 26);
      if (k !== null) choose(k);
    }));
    const hover = (k) => { if (k !== over) { over = k; picture.node.style.cursor = k === null ? "" : "pointer"; view.redraw(); } };
    picture.node.addEventListener("pointermove", guard((event) => hover(near(event, 16))));
    picture.node.addEventListener("pointerleave", () => hover(null));
    field.addEventListener("keydown", guard((event) => {
      const now = rows.findIndex((row) => row.name === get("chosen")), d = /Up|Down/.test(event.key) ? 1 : 0;
      if (event.key === "Enter" && link.hasAttribute("href")) return link.click();
      const order = rows.map((_, k) => k).sort((a, b) => (d ? places[b][1] - places[a][1] : 0) || places[a][0] - places[b][0] || places[b][1] - places[a][1] || a - b);
      const spot = order.indexOf(now), to = { ArrowRight: spot + 1, ArrowLeft: spot - 1, ArrowUp: spot + 1, ArrowDown: spot - 1, Home: 0, End: order.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      choose(order[clamp(to, 0, order.length - 1)]);
    }));

    /** What is told of the chosen method: all its values, and where its lesson is. */
    function tell(row) {
      if (shown === row.name) return;
      shown = row.name;
      name.textContent = row.name;
      kind.textContent = families[row.family].words;
      list.replaceChildren(...Object.entries(columns).map(([key, column]) => h("div", {}, h("dt", {}, column.short), h("dd", { class: !row.values[key] && "mlx-score-none" }, told(column, row.values[key])))));
      const to = address(row.page);
      link.textContent = row.lesson ? `Taught in lesson ${row.lesson}` : "";
      if (to) link.href = to;
      else link.removeAttribute("href");
    }

    return {
      summary: () => summary(state(), all(), words),
      draw() {
        const now = state(), methods = seen(), [width, height] = picture.size(), pair = [now.x, now.y].map((key) => columns[key]), values = [now.x, now.y].map((key) => methods.map((row) => row.values[key]));
        for (const each of [...menus, least]) each.draw();
        const { frame, inner, nowhere, taken, drawn } = rooms(pair, values.map((each) => each.some((v) => !v)), [width, height]);
        const x = axis(pair[0], values[0], inner.left, inner.right), y = axis(pair[1], values[1], inner.bottom, inner.top);
        let lost = 0; // those that lack both stand side by side
        places = methods.map((_, k) => {
          const [a, b] = [values[0][k], values[1][k]], place = [a ? x.at(a[0]) : nowhere[0], b ? y.at(b[0]) : nowhere[1]];
          if (!a && !b) place[0] += (pair[0].up ? 17 : -17) * lost++;
          return place;
        });
        const bars = methods.map((_, k) => [[x, values[0][k]], [y, values[1][k]]].flatMap(([scale_, v], d) => (v && v[1] ? [scale_.at(v[0] - v[1]), scale_.at(v[0] + v[1])] : [places[k][d], places[k][d]])));
        const goal = methods.flatMap((_, k) => [...places[k], ...bars[k]]), spots = width === wide ? glide.to(goal) : glide.jump(goal);
        wide = width;
        const at = methods.map((_, k) => spots.slice(6 * k, 6 * k + 6)), best = ahead(now, methods, words), chosen = methods.findIndex((row) => row.name === now.chosen);

        const corner = [pair[0].up ? inner.right - 8 : inner.left + 8, pair[1].up ? inner.top + 8 : inner.bottom - 8], way = [pair[0].up ? 1 : -1, pair[1].up ? -1 : 1];
        picture.back.innerHTML = axes({ x: x.at, y: y.at, xs: x.marks, ys: y.marks, left: frame.left, right: frame.right, bottom: frame.bottom, xLabel: pair[0].words, xText: amount, yText: amount })
          + `<text x="8" y="16">${escape(long(pair[1].words) < width - 20 ? pair[1].words : pair[1].short)}</text>${drawn}`
          + `<path class="mlx-score-better" d="M${corner[0] - way[0] * 16} ${corner[1] - way[1] * 16}L${corner}m${-way[0] * 9} 0h${way[0] * 9}v${-way[1] * 9}"/>`
          + `<path class="mlx-score-front" d="${line(best.map((k) => /** @type {[number, number]} */ ([at[k][0], at[k][1]])))}"/>`
          + methods.map((row, k) => `<path class="mlx-score-bar" style="--hue: ${paint(row.family)}" d="M${at[k][2].toFixed(1)} ${at[k][1].toFixed(1)}H${at[k][3].toFixed(1)}M${at[k][0].toFixed(1)} ${at[k][4].toFixed(1)}V${at[k][5].toFixed(1)}"/>`).join("");

        const ink = (k) => (hue(methods[k]) === "attention" ? "fg" : hue(methods[k])), arrow = methods.length, order = [...new Set([chosen, arrow, ...best, ...methods.keys()])];
        const dots = [...places, [corner[0] - way[0] * 8, corner[1] - way[1] * 8]], widths = [...methods.map((row) => long(row.name) + 2), 48]; // "better" is a name too
        const names = beside(dots, widths, order, { left: frame.left + 2, right: width - 2, top: frame.top - 4, bottom: frame.bottom - 1, taken });
        const label = (k, [a, b]) => named(at[k][0] + a, at[k][1] + b, methods[k].name, ink(k));
        picture.front.innerHTML = names.map((spot, k) => (!spot || k === chosen ? "" : k < arrow ? label(k, spot) : `<text x="${dots[k][0] + spot[0]}" y="${dots[k][1] + spot[1]}">better</text>`)).join("");
        above.innerHTML = (names[chosen] ? label(chosen, names[chosen]) : "") + (over !== null && !names[over] ? label(over, beside(dots, widths, [over], { left: 2, right: width - 2, top: 2, bottom: height })[over]) : "");
        nodes.forEach((node, k) => {
          node.setAttribute("transform", `translate(${at[k][0].toFixed(1)} ${at[k][1].toFixed(1)})`);
          node.setAttribute("aria-checked", String(k === chosen));
          node.setAttribute("tabindex", k === chosen ? "0" : "-1");
          node.firstChild.textContent = pair.map((column, d) => `${column.short} ${told(column, values[d][k])}`).join(", ");
        });
        tell(methods[chosen]);
      },
    };
  });
}

export default { render };
