// ShiftMap: methods by shifts, coloured by percent right or by points lost, one cell told about. The words are __init__.py's; a
// test compares the two.
import { choice, clamp, escape, explorer, figure, h, layout, long, plot, pointer, s, tween } from "../base/base.js";
import { address } from "../base/links.js";

/** @typedef {[number, number] | null} Cell  percent right and half of its interval
 *  @typedef {{methods: {name: string, lesson: string, page: string, hue: string}[], shifts: string[], right: Record<string, Cell[][]>, pictures: Record<string, string>}} Table
 *  @typedef {{mode: string, shown: string, method: string, shift: string}} State */

const KEYS = ["mode", "shown", "method", "shift", "table"], UNCHANGED = "as drawn", CHANCE = 20, EXAMPLES = 3, SIDE = 28;
const MODES = { transductive: "the queries in the batch norm", support: "the batch norm of the support set", fixed: "fixed statistics" };
const READS = { transductive: "the queries too", support: "the support set", fixed: "fixed statistics" };
/** cividis at every eighth: dark to bright for all eyes. */
const STOPS = [[0, 34, 78], [26, 56, 111], [67, 78, 108], [97, 101, 111], [125, 124, 120], [155, 148, 118], [188, 174, 108], [222, 201, 88], [254, 232, 56]];

const tenth = (x) => (Math.floor(10 * x + 0.5) / 10).toFixed(1);
const withHalf = (cell) => (cell ? `${tenth(cell[0])}${cell[1] ? ` ± ${tenth(cell[1])}` : ""} %` : "not measured");

/** The colour of a share from 0, dark, to 1, bright. @param {number} share @returns {number[]} red, green, blue up to 255 */
export function colour(share) {
  const at = clamp(share, 0, 1) * (STOPS.length - 1), k = Math.min(Math.floor(at), STOPS.length - 2);
  return STOPS[k].map((v, d) => Math.round(v + (at - k) * (STOPS[k + 1][d] - v)));
}
/** Black or white, whichever reads on a colour. @param {number[]} rgb */
export function ink(rgb) {
  const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}

/** @param {Table} table @param {string} mode @param {string} method @param {string} shift @returns {Cell} */
const cellOf = ({ methods, shifts, right }, mode, method, shift) => right[mode][methods.findIndex(({ name }) => name === method)][shifts.indexOf(shift)];

/** What a cell of the map counts: percent right, or points lost to "as drawn"; null where that was not measured.
 * @param {Table} table @param {State} state @param {string} method @param {string} shift */
export function counted(table, { mode, shown }, method, shift) {
  const here = cellOf(table, mode, method, shift), there = cellOf(table, mode, method, UNCHANGED);
  if (shown === "right") return here && here[0];
  return here && there && there[0] - here[0];
}

/** @param {State} state @param {Table} table @returns {string} */
export function summary(state, table) {
  const { mode, shown, method, shift } = state, cell = cellOf(table, mode, method, shift), lost = counted(table, { ...state, shown: "lost" }, method, shift);
  let text = `${method}, ${shift}: ${withHalf(cell)}${cell ? " right" : ""} with ${MODES[mode]}`;
  if (shift !== UNCHANGED && lost !== null) text += `, ${tenth(Math.abs(lost))} points ${lost >= 0 ? "below" : "above"} ${UNCHANGED}`;
  const others = Object.keys(MODES).filter((each) => each !== mode).map((each) => `with ${MODES[each]} ${withHalf(cellOf(table, each, method, shift))}`).join("; ");
  return `${text}. ${others[0].toUpperCase()}${others.slice(1)}. The map shows ${shown === "lost" ? "points lost" : "percent right"}.`;
}

/** A drawing as the address of a picture, its ink in a colour. @param {Uint8Array} pixels @param {number[]} rgb */
function drawing(pixels, rgb) {
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE }), pen = canvas.getContext("2d"), image = pen.createImageData(SIDE, SIDE);
  for (let k = 0; k < SIDE * SIDE; k++) image.data.set([...rgb, pixels[k]], 4 * k);
  pen.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

function render(host) {
  return explorer(host, { title: "What a change of the pictures costs", watch: KEYS }, (view) => {
    const { get, set, guard } = view;
    /** @returns {any} */
    const state = () => Object.fromEntries(KEYS.map((key) => [key, get(key)]));
    let text = null, /** @type {any} */ table = null, drawings = {}, inked = "", cells = [], rowNames = [], heads = [], place = null, told = "";

    const mode = choice({ label: "Batch norm reads", options: Object.entries(READS).map(([value, text]) => ({ value, text })), get: () => get("mode"), set: (mode) => set({ mode }) });
    const shown = choice({ label: "A cell shows", options: [{ value: "right", text: "percent right" }, { value: "lost", text: "points lost" }], get: () => get("shown"), set: (shown) => set({ shown }) });
    const tall = (n) => clamp(Math.floor(364 / n), 18, 26);
    /** The lay of the map in so much width. Names of columns stand upright where they have no room, in lines where those have. */
    function lay(width) {
      const wide = (text) => 0.88 * long(text), left = Math.ceil(Math.max(...table.methods.map(({ name }) => wide(name)))) + 20, step = (width - left - 4) / table.shifts.length;
      const words = table.shifts.map((shift) => shift.split(" ")), flat = Math.max(...words.flat().map(wide)) <= step, face = Math.floor(Math.min(step - 4, flat ? 40 : 32));
      const lines = flat || step >= 34 ? words : table.shifts.map((shift) => [shift]), most = Math.max(...lines.map((each) => each.length));
      const head = 4 + face + (flat ? 16 * most : Math.ceil(Math.max(...lines.flat().map(wide))) + 4) + 6, row = tall(table.methods.length);
      return { left, step, flat, face, head, row, lines, bottom: head + row * table.methods.length, width };
    }
    const picture = plot({ label: "Methods by shifts", ratio: (width) => (all(), (lay(width).bottom + 4) / width) });
    picture.node.classList.add("mlx-shift");
    const grid = s("g", { role: "grid", "aria-label": "Methods by shifts" }), mark = s("rect", { class: "mlx-shift-mark" }), edge = s("rect", { class: "mlx-shift-edge" });
    for (const layer of [picture.back, picture.front]) layer.setAttribute("aria-hidden", "true");
    picture.node.insertBefore(grid, picture.front);
    picture.node.append(edge, mark);
    const glide = tween(picture.node);
    const ends = [h("span"), h("span")], bar = h("div", { class: "mlx-shift-bar", style: `background: linear-gradient(to right, ${STOPS.map((rgb) => `rgb(${rgb})`)})` });
    const examples = Array.from({ length: EXAMPLES }, () => h("img", { alt: "" })), name = h("b"), list = h("dl"), link = h("a");
    const panel = h("div", { class: "mlx-shift-told" }, h("p", {}, name), h("div", { class: "mlx-shift-examples" }, ...examples), list, link);
    layout(view, { picture: [figure("Bright is good. Training saw none of these changes.", picture.node)], controls: [mode.node, shown.node, h("div", { class: "mlx-shift-scale" }, ends[0], bar, ends[1]), panel] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener?.("change", () => view.redraw());

    /** The table; with a new one, new cells. */
    function all() {
      if (get("table") === text) return table;
      table = JSON.parse((text = get("table")));
      inked = "";
      const label = (node, role, text) => { node.setAttribute("role", role); node.setAttribute("aria-label", text); return node; };
      heads = table.shifts.map((shift) => label(s("g", {}, s("image", { class: "mlx-shift-face" }), s("text")), "columnheader", shift));
      rowNames = table.methods.map((method) => label(s("g", {}, s("rect", { style: `--hue: ${method.hue === "attention" ? "#F0E442" : `var(--${method.hue})`}`, class: "mlx-shift-hue" }), s("text", {}, method.name)), "rowheader", method.name));
      cells = table.methods.map((method) => table.shifts.map((shift) => label(s("g", { tabindex: -1, class: "mlx-shift-cell" }, s("desc"), s("rect"), s("text", { "text-anchor": "middle", "aria-hidden": "true" })), "gridcell", `${method.name}, ${shift}`)));
      grid.replaceChildren(s("g", { role: "row" }, ...heads), ...table.methods.map((_, r) => s("g", { role: "row" }, rowNames[r], ...cells[r])));
      return table;
    }
    const index = () => [table.methods.findIndex(({ name }) => name === get("method")), table.shifts.indexOf(get("shift"))];
    function choose(r, c) {
      const to = [clamp(r, 0, table.methods.length - 1), clamp(c, 0, table.shifts.length - 1)];
      set({ method: table.methods[to[0]].name, shift: table.shifts[to[1]] });
      cells[to[0]][to[1]].focus({ preventScroll: true });
    }
    picture.node.addEventListener("click", guard((event) => {
      const own = cells.flat().indexOf(event.target.closest("[role=gridcell]")), wide = table.shifts.length;
      if (own >= 0) return choose(Math.floor(own / wide), own % wide);
      const [x, y] = pointer(picture.node, event), now = index(); // a name chooses its row, a drawing its column
      choose(y < place.head ? now[0] : y > place.bottom ? now[0] : Math.floor((y - place.head) / place.row), x < place.left ? now[1] : Math.floor((x - place.left) / place.step));
    }));
    grid.addEventListener("keydown", guard((event) => {
      const [r, c] = index(), to = { ArrowLeft: [r, c - 1], ArrowRight: [r, c + 1], ArrowUp: [r - 1, c], ArrowDown: [r + 1, c], Home: [r, 0], End: [r, Infinity], PageUp: [0, c], PageDown: [Infinity, c] }[event.key];
      if (event.key === "Enter" && link.hasAttribute("href")) return link.click();
      if (!to) return;
      event.preventDefault();
      choose(to[0], to[1]);
    }));

    /** What stands still: names, drawings, the scale. */
    function still({ left, step, flat, face, head, row, lines }) {
      const rgb = (getComputedStyle(view.root).color.match(/[\d.]+/g) ?? ["0", "0", "0"]).slice(0, 3).map(Number);
      if (inked !== String(rgb)) {
        inked = String(rgb);
        drawings = Object.fromEntries(table.shifts.map((shift) => {
          const bytes = Uint8Array.from(atob(table.pictures[shift]), (c) => c.charCodeAt(0));
          return [shift, Array.from({ length: EXAMPLES }, (_, k) => drawing(bytes.subarray(k * SIDE * SIDE, (k + 1) * SIDE * SIDE), rgb))];
        }));
      }
      const [r, c] = index();
      heads.forEach((node, k) => {
        const middle = left + (k + 0.5) * step, [image, label] = node.children;
        for (const [key, value] of Object.entries({ x: middle - face / 2, y: 4, width: face, height: face, href: drawings[table.shifts[k]][0] })) image.setAttribute(key, value);
        label.classList.toggle("mlx-shift-here", k === c);
        label.setAttribute("text-anchor", flat ? "middle" : "start");
        label.setAttribute("transform", flat ? `translate(${middle} ${face + 18})` : `translate(${middle + 5 - 8 * (lines[k].length - 1)} ${head - 5}) rotate(-90)`);
        label.innerHTML = lines[k].map((word, n) => `<tspan x="0" y="${16 * n}">${escape(word)}</tspan>`).join("");
      });
      rowNames.forEach((node, k) => {
        const top = head + k * row, [hue, label] = node.children;
        for (const [key, value] of Object.entries({ x: 3, y: top + 3, width: 5, height: row - 6 })) hue.setAttribute(key, value);
        for (const [key, value] of Object.entries({ x: 13, y: top + row / 2 + 5 })) label.setAttribute(key, value);
        label.classList.toggle("mlx-shift-here", k === r);
      });
      cells.forEach((line, k) => line.forEach((node, n) => {
        const [, rect, label] = node.children;
        for (const [key, value] of Object.entries({ x: left + n * step, y: head + k * row, width: step - 1, height: row - 1 })) rect.setAttribute(key, value.toFixed(1));
        for (const [key, value] of Object.entries({ x: left + (n + 0.5) * step, y: head + (k + 0.5) * row + 5 })) label.setAttribute(key, value.toFixed(1));
        node.setAttribute("tabindex", k === r && n === c ? "0" : "-1");
        node.setAttribute("aria-selected", String(k === r && n === c));
      }));
      for (const [key, value] of Object.entries({ x: left + c * step - 1.5, y: head + r * row - 1.5, width: step + 2, height: row + 2 })) for (const each of [edge, mark]) each.setAttribute(key, value.toFixed(1));
      const lost = get("shown") === "lost";
      ends.forEach((end, k) => { end.textContent = (lost ? [`${100 - CHANCE} points`, "none lost"] : [`${CHANCE} %, chance`, "100 %"])[k]; });
    }

    return {
      summary: () => (all(), summary(state(), table)),
      draw() {
        const now = state(), { methods, shifts } = all(), [width] = picture.size();
        place = lay(width);
        mode.draw();
        shown.draw();
        still(place);
        const counts = methods.map(({ name }) => shifts.map((shift) => counted(table, now, name, shift)));
        const share = (v) => (v === null ? 0 : now.shown === "lost" ? 1 - v / (100 - CHANCE) : (v - CHANCE) / (100 - CHANCE)), shares = glide.to(counts.flat().map(share));
        counts.forEach((line, r) => line.forEach((value, c) => {
          const [desc, rect, label] = cells[r][c].children, rgb = colour(shares[r * shifts.length + c]), whole = value === null ? 0 : Math.floor(value + 0.5);
          rect.setAttribute("fill", value === null ? "none" : `rgb(${rgb})`);
          label.setAttribute("style", value === null ? "" : `fill: ${ink(rgb)}`);
          label.textContent = value === null ? "–" : `${whole < 0 ? "−" : ""}${Math.abs(whole)}`;
          desc.textContent = value === null ? "not measured" : `${tenth(value)} ${now.shown === "lost" ? "points lost" : "percent right"}`;
        }));
        const about = JSON.stringify([now.method, now.shift, now.mode, inked]);
        if (told === about) return;
        told = about;
        const method = methods.find(({ name }) => name === now.method), to = address(method.page), base = cellOf(table, now.mode, now.method, UNCHANGED);
        name.textContent = `${now.method}, ${now.shift}`;
        examples.forEach((image, k) => { image.src = drawings[now.shift][k]; });
        list.replaceChildren(...Object.keys(READS).flatMap((each) => [h("dt", { class: each === now.mode && "mlx-shift-here" }, READS[each]), h("dd", { class: each === now.mode && "mlx-shift-here" }, withHalf(cellOf(table, each, now.method, now.shift)))]),
          ...(now.shift === UNCHANGED ? [] : [h("dt", {}, UNCHANGED), h("dd", {}, withHalf(base))]));
        link.textContent = method.lesson ? `Taught in lesson ${method.lesson}` : "";
        if (to) link.href = to;
        else link.removeAttribute("href");
      },
    };
  });
}

export default { render };
