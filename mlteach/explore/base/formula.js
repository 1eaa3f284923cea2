// Formulas: MathML from a line of text, and an equation whose terms can light up.
import { h } from "./dom.js";

const SMALL = { "₀": "0", "₁": "1", "₂": "2", "₃": "3", "₄": "4", "₅": "5", "₆": "6", "₇": "7", "₈": "8", "₉": "9", "₊": "+", "₋": "−",
  "ₜ": "t", "ᵢ": "i", "ⱼ": "j", "ₙ": "n", "ₖ": "k", "ₓ": "x" };
const HIGH = { "⁰": "0", "¹": "1", "²": "2", "³": "3", "⁻": "−", "⁺": "+", "ᵀ": "T", "ⁿ": "n" };
const NS = "http://www.w3.org/1998/Math/MathML";

function m(tag, ...children) {
  const node = document.createElementNS(NS, tag);
  node.append(...children);
  return node;
}

/**
 * MathML of a line of text, as one writes it: `c_t = f · c_{t−1} + i · g`, `θₜ₊₁`, `L_Q`, `‖x‖²`. A letter is a variable, several
 * letters are a word, `_` and `^` take one sign or what braces hold, and so do small letters of Unicode. Nothing else is markup.
 * @param {string} text @returns {Element}
 */
export function math(text) {
  const signs = text.match(/\s+|[_^]|[{}]|\d+(?:\.\d+)?(?:e[+-]?\d+)?|\p{L}\p{M}+|[A-Za-z]{2,}|./gsu) ?? [];
  let k = 0;
  function atom() {
    const sign = signs[k++];
    if (sign === "{") { const group = row("}"); k++; return group; }
    if (/^\d/.test(sign)) return m("mn", sign);
    if (/^[A-Za-z]{2,}$/.test(sign)) return m("mtext", sign);
    if (/^\p{L}/u.test(sign)) return m("mi", sign);
    const node = m("mo", sign);
    if (/[−+]/.test(sign) && /^[([{=←,·|]?$/.test(signs.slice(0, k - 1).findLast((each) => /\S/.test(each)) ?? "")) // a sign, and no operation
      for (const [name, value] of [["form", "prefix"], ["lspace", "0"], ["rspace", "0"]]) node.setAttribute(name, value);
    if (/[′″]/.test(sign)) node.setAttribute("lspace", "0");
    if (/[()[\]{}|‖]/.test(sign)) for (const [name, value] of [["stretchy", "false"], ["lspace", "0"], ["rspace", "0"]]) node.setAttribute(name, value);
    return node;
  }
  /** Small letters of Unicode that follow, as one row. */
  function run(table) {
    const found = [];
    while (k < signs.length && table[signs[k]]) found.push(table[signs[k++]]);
    return found.length ? m("mrow", ...found.map((sign) => m(/\d/.test(sign) ? "mn" : /\p{L}/u.test(sign) ? "mi" : "mo", sign))) : null;
  }
  function row(end) {
    const parts = [];
    while (k < signs.length && signs[k] !== end) {
      if (/^\s+$/.test(signs[k])) {
        const wide = signs[k++].length, near = [parts.at(-1)?.localName, signs[k] ?? ""]; // a word needs its space
        if (wide > 1 || near[0] === "mtext" || /^[A-Za-z]{2,}$/.test(near[1])) {
          const space = m("mspace");
          space.setAttribute("width", wide > 1 ? "1.2em" : "0.28em");
          parts.push(space);
        }
        continue;
      }
      let base = atom(), low = null, high = null;
      for (;;) {
        if (signs[k] === "_") { k++; low = atom(); }
        else if (signs[k] === "^") { k++; high = atom(); }
        else if (SMALL[signs[k]]) low = run(SMALL);
        else if (HIGH[signs[k]]) high = run(HIGH);
        else break;
      }
      parts.push(low && high ? m("msubsup", base, low, high) : low ? m("msub", base, low) : high ? m("msup", base, high) : base);
    }
    return parts.length === 1 ? parts[0] : m("mrow", ...parts);
  }
  return m("math", row(""));
}

/**
 * Lines of an equation, term under term, whose terms carry a colour and can light up.
 * @param {{label: string, rows: {name?: string, terms: (string | {id?: string, hue?: string, text: string, hint?: string})[]}[]}} spec
 *        `name`: what the line is, in words; a term is a text as `math` takes it, with an `id` where it is to be told apart.
 *        Term k of each line stands in column k; a term "" leaves it empty
 * @returns {{node: HTMLElement, write: (id: string, text: string) => void, light: (ids: string[]) => void}}
 *        `write`: another text for a term; `light`: these act now, the others stand back (none: all stand as usual)
 */
export function equation({ label, rows }) {
  const found = new Map();
  const cells = rows.map(({ name = "", terms }) => h("div", { class: "mlx-equation-row", role: "group", "aria-label": name || false },
    ...(rows.some((row) => row.name) ? [h("span", { class: "mlx-equation-name" }, name)] : []),
    ...terms.map((term) => {
      const { id, hue, text, hint } = typeof term === "string" ? { text: term } : term;
      const cell = h("span", { class: "mlx-term", title: hint, style: hue && `--hue: var(--${hue})` }, ...(text ? [math(text)] : []));
      if (hue) cell.classList.add("mlx-hued");
      if (id) found.set(id, [...(found.get(id) ?? []), Object.assign(cell, { said: text })]);
      return cell;
    })));
  const columns = Math.max(...rows.map(({ terms }) => terms.length));
  const node = h("div", { class: "mlx-equation", role: "group", "aria-label": label, style: `--columns: ${columns}` }, ...cells);
  return { node,
    write(id, text) {
      for (const cell of found.get(id) ?? []) if (cell.said !== text) { cell.said = text; cell.replaceChildren(math(text)); }
    },
    light(ids) {
      node.classList.toggle("mlx-lit", ids.length > 0);
      for (const [id, all] of found) for (const cell of all) cell.classList.toggle("mlx-acts", ids.includes(id));
    } };
}
