// MethodMap: every method is one choice in each of four columns. The table comes from __init__.py.
import { choice, explorer, h } from "../base/base.js";

/** @typedef {{hue: string, choices: string[], equation: string, lesson: string, paper: string,
 *             beside: Record<string, string>, summary: string}} Method */
/** @typedef {{method: string, methods: Record<string, Method>}} State */

/** @param {State} state @returns {string} */
export const summary = (state) => state.methods[state.method].summary;

function render(host) {
  return explorer(host, { title: "A method is one choice in each column", watch: ["method"] }, ({ root, get, set }) => {
    const methods = get("methods");
    const pick = choice({ label: "Method", options: get("names").map((value) => ({ value, text: value })),
      get: () => get("method"), set: (method) => set({ method }) });

    /** One choice of a column: lit, a way to a neighbour, or neither. */
    function cell(text, k) {
      const note = h("span", { class: "mlx-note" });
      const mark = h("span", { "aria-hidden": "true", class: "mlx-mark" });
      const node = h("button", { type: "button", class: "mlx-cell", onclick: () => {
        const to = methods[get("method")].beside[text];
        if (to) set({ method: to });
      } }, mark, h("span", {}, text, note));
      return { node, draw() {
        const now = methods[get("method")], lit = now.choices[k] === text, to = now.beside[text];
        node.setAttribute("aria-pressed", lit);
        node.disabled = !lit && !to; // a lit one keeps the focus of the hand that came here through it
        node.classList.toggle("mlx-near", Boolean(to));
        mark.textContent = lit ? "✓" : "";
        note.textContent = to ? ` → ${to}` : "";
      } };
    }

    const columns = get("columns").map(({ title, folder, choices }, k) => {
      const cells = choices.map((text) => cell(text, k));
      const node = h("div", { class: "mlx-map-column", role: "group", "aria-label": title },
        h("p", { class: "mlx-question" }, title, h("code", {}, `${folder}/`)), ...cells.map(({ node }) => node));
      return { node, draw: () => cells.forEach((c) => c.draw()) };
    });
    const grid = h("div", { class: "mlx-map-columns" }, ...columns.map(({ node }) => node));
    const equation = h("p", { class: "mlx-formula" }), source = h("p", { class: "mlx-source" });
    root.append(pick.node, equation, source, grid);

    return {
      summary: () => summary({ method: get("method"), methods }),
      draw() {
        const now = methods[get("method")];
        pick.draw();
        grid.style.setProperty("--hue", `var(--${now.hue})`);
        columns.forEach((column) => column.draw());
        equation.textContent = now.equation;
        source.textContent = `${get("method")} (${now.paper}), taught in lesson ${now.lesson}. Press a choice with an arrow to change that column alone.`;
      },
    };
  });
}

export default { render };
