// MethodMap: every method is one choice in each of four columns. The table comes from __init__.py.
import { choice, explorer, h, layout, math, s, tween } from "../base/base.js";
import { address } from "../base/links.js";

/** @typedef {{hue: string, choices: string[], equation: string, lesson: string, page: string, paper: string,
 *             beside: Record<string, string>, summary: string}} Method */
/** @typedef {{method: string, methods: Record<string, Method>}} State */

/** @param {State} state @returns {string} */
export const summary = (state) => state.methods[state.method].summary;

const WORD = /^\(?[A-Za-z]{2,}'?\)?[,:;]?$/;

/** A sentence in its parts, words and formulas in turn; a part ends at two spaces too, so that it can be broken there.
 * @param {string} text @returns {{words: boolean, text: string}[]} */
export function parts(text) {
  return text.split(/ {2,}/).flatMap((some) => {
    const signs = some.split(" ");
    const words = signs.map((sign, k) => WORD.test(sign) || (sign === "a" && WORD.test(signs[k + 1] ?? "")));
    const found = [];
    signs.forEach((sign, k) => {
      if (k && words[k] === words[k - 1]) found.at(-1).text += ` ${sign}`;
      else found.push({ words: words[k], text: sign });
    });
    return found;
  });
}

function render(host) {
  return explorer(host, { title: "A method is one choice in each column", watch: ["method"] }, (view) => {
    const { root, get, set } = view;
    const methods = get("methods"), names = get("names");
    const pick = choice({ label: "Method", quiet: true, options: names.map((value) => ({ value, text: value })),
      get: () => get("method"), set: (method) => set({ method }) });

    /** One choice of a column: lit, a way to a neighbour, or neither. */
    function cell(text, k) {
      const note = h("span", { class: "mlx-note" });
      const node = h("button", { type: "button", class: "mlx-cell", onclick: () => {
        const to = methods[get("method")].beside[text];
        if (to) set({ method: to });
      } }, h("span", {}, text, note));
      return { node, text, draw() {
        const now = methods[get("method")], lit = now.choices[k] === text, to = now.beside[text];
        node.setAttribute("aria-pressed", lit);
        node.disabled = !lit && !to; // a lit one keeps the focus of the hand that came here through it
        node.classList.toggle("mlx-near", Boolean(to));
        note.textContent = to ? ` → ${to}` : "";
      } };
    }

    const columns = get("columns").map(({ title, folder, choices }, k) => {
      const cells = choices.map((text) => cell(text, k));
      const node = h("div", { class: "mlx-map-column", role: "group", "aria-label": title },
        h("p", { class: "mlx-question" }, title, " ", h("code", {}, `${folder}/`)), ...cells.map(({ node }) => node));
      return { node, cells, draw: () => cells.forEach((c) => c.draw()) };
    });
    const route = s("svg", { class: "mlx-route", "aria-hidden": "true" });
    const grid = h("div", { class: "mlx-map-columns" }, ...columns.map(({ node }) => node));
    const equation = h("p", { class: "mlx-sentence" }), source = h("p", { class: "mlx-source" }), glide = tween(grid, 400);
    layout(view, { head: [equation, source], picture: [grid], controls: [pick.node] });
    let told = "", wide = 0;

    /** Each method's way through the columns, a line from choice to choice, faint, and the chosen one's over them. */
    function ways() {
      if (grid.clientWidth < 520) return route.remove();
      if (!route.isConnected) grid.append(route);
      const place = ({ node }) => node.offsetTop + node.offsetHeight / 2, sides = columns.map(({ node }) => [node.offsetLeft, node.offsetLeft + node.offsetWidth]);
      const heights = (name) => columns.map(({ cells }, k) => place(cells.find(({ text }) => text === methods[name].choices[k])));
      const d = (at) => at.slice(1).map((y, k) => {
        const from = sides[k][1] - 6, to = sides[k + 1][0] + 6, half = (to - from) / 2;
        return `M${from} ${at[k].toFixed(1)}C${from + half} ${at[k].toFixed(1)} ${to - half} ${y.toFixed(1)} ${to} ${y.toFixed(1)}`;
      }).join("");
      const here = heights(get("method"));
      const moved = grid.clientWidth === wide ? glide.to(here) : glide.jump(here);
      wide = grid.clientWidth;
      route.setAttribute("viewBox", `0 0 ${grid.clientWidth} ${grid.clientHeight}`);
      route.innerHTML = names.map((name) => `<path class="mlx-way" style="--hue: var(--${methods[name].hue})" d="${d(heights(name))}"/>`).join("")
        + `<path class="mlx-way mlx-ours" d="${d(moved)}"/>`;
    }

    return {
      summary: () => summary({ method: get("method"), methods }),
      draw() {
        const name = get("method"), now = methods[name];
        pick.draw();
        grid.style.setProperty("--hue", `var(--${now.hue})`);
        columns.forEach((column) => column.draw());
        if (told !== name) {
          told = name;
          equation.replaceChildren(...parts(now.equation).flatMap(({ words, text }) => [words ? text : math(text.replace(/∇([θωw]) /g, "∇_$1 ")), " "]));
          const to = address(now.page), lesson = `lesson ${now.lesson}`;
          source.replaceChildren(`${name} (${now.paper}), `, to ? h("a", { href: to }, `taught in ${lesson}`) : `taught in ${lesson}`,
            Object.keys(now.beside).length ? ". A choice with an arrow can be pressed." : ". No arrow leads away from here: choose another from the list.");
        }
        ways();
      },
    };
  });
}

export default { render };
