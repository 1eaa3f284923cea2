// What a hand can turn, press and unfold.
import { ask, clamp, h, sig, still, unique } from "./dom.js";
import { tween } from "./motion.js";

/**
 * A labelled slider with its value in words. `log` spaces it by ratio. Arrow keys, Page Up and Down, Home and End come
 * with the native control; Shift with an arrow key takes ten steps.
 * @param {{label: string, min: number, max: number, step?: number, log?: boolean, hue?: string,
 *          show?: (x: number) => string, get: () => number, set: (x: number) => void}} spec
 * @returns {{node: HTMLElement, draw: () => void}}
 */
export function slider({ label, min, max, step = 1, log = false, hue = "fg", show = (x) => sig(x, 3), get, set }) {
  const id = unique("slider"), marks = 240; // of a log slider
  const place = (x) => (log ? Math.round((marks * Math.log(x / min)) / Math.log(max / min)) : x);
  const value = (p) => (log ? Number((min * (max / min) ** (p / marks)).toPrecision(3)) : p);
  const low = log ? 0 : min, high = log ? marks : max, unit = log ? 1 : step;
  const input = h("input", { type: "range", id, min: low, max: high, step: unit, style: `--hue: var(--${hue})`,
    oninput: () => set(clamp(value(Number(input.value)), min, max)),
    onkeydown: (event) => {
      const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!way || !event.shiftKey) return;
      event.preventDefault();
      const p = clamp(Number(input.value) + 10 * way * unit, low, high);
      set(clamp(value(Number(p.toFixed(6))), min, max));
    } });
  const output = h("output", { for: id });
  const node = h("div", { class: "mlx-slider" }, h("label", { for: id }, label), output, input);
  return { node, draw() {
    const x = get();
    if (Number(input.value) !== place(x)) input.value = place(x);
    input.style.setProperty("--part", `${(100 * (place(x) - low)) / (high - low)}%`);
    output.textContent = show(x);
    input.setAttribute("aria-valuetext", show(x));
  } };
}

/**
 * Pick one of a few: native radio buttons, so that the arrow keys work, dressed as buttons.
 * @param {{label: string, options: {value: any, text: string, hint?: string}[], quiet?: boolean, get: () => any, set: (value: any) => void}} spec
 *        `quiet`: the label is for a screen reader alone, because the options say it
 * @returns {{node: HTMLElement, draw: () => void}}
 */
export function choice({ label, options, quiet = false, get, set }) {
  const name = unique("choice");
  const inputs = options.map(({ value }) =>
    h("input", { type: "radio", name, value, onchange: () => set(value) }));
  const node = h("fieldset", { class: "mlx-choice" }, h("legend", { class: quiet && "mlx-hidden" }, label),
    ...options.map(({ text, hint }, k) => h("label", { title: hint }, inputs[k], h("span", {}, text))));
  return { node, draw() { options.forEach(({ value }, k) => { inputs[k].checked = value === get(); }); } };
}

/** @param {string} text @param {() => void} press @returns {HTMLElement} */
export const button = (text, press) => h("button", { type: "button", class: "mlx-button", onclick: press }, text);

/**
 * A button that plays a trait of whole numbers from its value to the last, once it is pressed; from the end it begins again.
 * Who asked the system for less motion gets the last step at once. A picture that asks `at` for the place moves all the time,
 * at real numbers between two steps, and glides to a step that was chosen otherwise; one that asks for the trait jumps.
 * @param {{label: string, get: () => number, set: (x: number) => void, last: () => number, every?: number, guard: (f: Function) => any}} spec  `every`: milliseconds a step
 * @returns {{node: HTMLElement, draw: () => void, at: () => number, playing: () => boolean}}
 */
export function player({ label, get, set, last, every = 350, guard }) {
  let frame = 0, base = 0, began = 0, place = null, asked = false;
  const stop = () => { cancelAnimationFrame(frame); frame = 0; draw(); };
  const tick = guard((time) => {
    if (!node.isConnected) return stop();
    if (get() !== base) [base, began] = [get(), time]; // somebody else moved it
    let due = Math.floor(Math.max(time - began, 0) / every);
    for (; due > 0 && get() < last(); due--) {
      set(get() + 1);
      base = get();
      began += every;
    }
    if (get() >= last()) return stop();
    place = base + clamp((time - began) / every, 0, 1);
    if (asked) ask(node);
    frame = requestAnimationFrame(tick); // last, so that the picture that was asked for is drawn before the next tick
  });
  const node = button(label, guard(() => {
    if (frame) return stop();
    if (still()) return set(last());
    if (get() >= last()) set(0);
    [base, began, place] = [get(), performance.now(), get()];
    glide.jump(place);
    frame = requestAnimationFrame(tick);
    draw();
  }));
  node.classList.add("mlx-play");
  const glide = tween(node);
  const draw = () => { node.textContent = frame ? "❚❚ Pause" : `▶ ${label}`; };
  draw();
  return { node, draw, playing: () => frame > 0, at() {
    asked = true;
    if (frame) return glide.jump(place);
    if (place !== null) place = null; // it glides from where the playhead stood
    return glide.to(get());
  } };
}

/**
 * The body of an explorer: its picture large, its controls beside it (under it on a telephone, where the picture stays in
 * sight), and panels that are folded behind a press each. One panel at a time is open, beside the picture where there is
 * room, so that the explorer fits its screen whichever it is.
 * @param {import("./dom.js").View} view
 * @param {{head?: Node[], picture: Node[], controls: Node[], panels?: {name: string, node: Node}[]}} parts  `head`: a formula over
 *        the picture; `name`: what the press shows
 * @returns {{open: () => string | null, show: (name: string | null) => void, below: () => boolean}}  `open`: the name of the open
 *          panel, draw no other; `below`: it stands under the picture, which had better be low
 */
export function layout(view, { head = [], picture, controls, panels = [] }) {
  const built = panels.map(({ name, node }) => {
    const id = unique("panel"), panel = h("div", { class: "mlx-panel", id, role: "group", "aria-label": name, hidden: true }, node);
    const press = h("button", { type: "button", class: "mlx-button mlx-fold", "aria-expanded": "false", "aria-controls": id,
      onclick: () => show(view.kept.panel === name ? null : name) }, name);
    return { name, panel, press };
  });
  const stage = h("div", { class: "mlx-stage" }, h("div", { class: "mlx-head" }, ...head), h("div", { class: "mlx-picture" }, ...picture),
    h("div", { class: "mlx-controls" }, ...controls, ...(built.length ? [h("div", { class: "mlx-row mlx-folds" }, ...built.map(({ press }) => press))] : [])),
    ...built.map(({ panel }) => panel));
  function show(open) {
    view.kept.panel = open;
    for (const { name, panel, press } of built) {
      panel.hidden = name !== open;
      press.setAttribute("aria-expanded", String(name === open));
    }
    stage.classList.toggle("mlx-open", built.some(({ name }) => name === open));
    view.redraw();
  }
  view.root.append(stage);
  if (view.kept.panel) show(view.kept.panel);
  return { show, open: () => view.kept.panel ?? null, below: () => Boolean(view.kept.panel) && stage.clientWidth < 820 };
}
