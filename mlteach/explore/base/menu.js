// A list to choose one of, where buttons would need too much room. A view that has one imports it beside base.js, and brings menu.css along.
import { h, unique } from "./base.js";

/** @typedef {{value: string, text: string}} Option */
/** `options`: each a choice, or a heading with choices under it. @param {{label: string, options: (Option | {heading: string, options: Option[]})[],
 * get: () => string, set: (value: string) => void}} spec */
export function menu({ label, options, get, set }) {
  const id = unique("menu"), one = ({ value, text }) => h("option", { value }, text);
  const list = h("select", { id, "data-lm-suppress-shortcuts": "true", onchange: () => set(list.value) },
    ...options.map((each) => ("heading" in each ? h("optgroup", { label: each.heading }, ...each.options.map(one)) : one(each))));
  return { node: h("div", { class: "mlx-menu" }, h("label", { for: id }, label), list), draw() { if (list.value !== get()) list.value = get(); } };
}
