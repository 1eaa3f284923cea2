// What a hand can take in the picture itself: a point, or a row of numbers to paint on.
import { pointer } from "./plot.js";
import { clamp, s, sig } from "./dom.js";

/**
 * A point to take in the hand, by mouse, touch or keys: arrows move it (Shift: ten times as far), Home and End go to the
 * left and right edge, Page Up and Down to the top and bottom.
 * @param {{svg: any, label: string, hue?: string, step: number, get: () => [number, number],
 *          set: (point: [number, number]) => void, toData: (x: number, y: number) => [number, number],
 *          box: () => {x: [number, number], y: [number, number]}, guard: (f: Function) => any, press?: boolean}} spec
 *        `press`: a press on the picture, beside every handle, puts it there; one handle of a picture can have that
 * @returns {{node: SVGElement, draw: (x: number, y: number) => void}}  `draw` puts it at a place in pixels
 */
export function handle({ svg, label, hue = "fg", step, get, set, toData, box, guard, press = true }) {
  const node = s("g", { class: "mlx-handle", role: "slider", tabindex: 0, "aria-label": label, style: `--hue: var(--${hue})` },
    s("circle", { r: 22, class: "mlx-touch" }), s("circle", { r: 13, class: "mlx-halo" }), s("circle", { r: 8, class: "mlx-grip" }));
  const put = (x, y) => {
    const edge = box();
    set([Number(clamp(x, ...edge.x).toFixed(3)), Number(clamp(y, ...edge.y).toFixed(3))]);
  };
  const follow = (event) => put(...toData(...pointer(svg, event)));
  const listen = (target, name, f) => target.addEventListener(name, guard(f));
  listen(node, "pointerdown", (event) => { node.setPointerCapture(event.pointerId); node.focus(); event.preventDefault(); });
  listen(node, "pointermove", (event) => { if (node.hasPointerCapture(event.pointerId)) follow(event); });
  if (press) listen(svg, "click", (event) => { if (!event.target.closest(".mlx-handle")) follow(event); });
  listen(node, "keydown", (event) => {
    const [x, y] = get(), edge = box(), far = step * (event.shiftKey ? 10 : 1);
    const to = { ArrowLeft: [x - far, y], ArrowRight: [x + far, y], ArrowUp: [x, y + far], ArrowDown: [x, y - far],
      Home: [edge.x[0], y], End: [edge.x[1], y], PageUp: [x, edge.y[1]], PageDown: [x, edge.y[0]] }[event.key];
    if (!to) return;
    event.preventDefault();
    put(...to);
  });
  return { node, draw(px, py) {
    const [x, y] = get(), edge = box();
    node.setAttribute("transform", `translate(${px.toFixed(1)} ${py.toFixed(1)})`);
    for (const [key, value] of Object.entries({ now: x, min: edge.x[0], max: edge.x[1], text: `${sig(x, 3)} across, ${sig(y, 3)} up` }))
      node.setAttribute(`aria-value${key}`, value);
  } };
}

/**
 * A row of numbers to paint on, by mouse, touch or keys: a drag writes along its way; left and right (Shift: ten), Home and
 * End choose a number, up and down (Shift: ten), Page Up and Down change it.
 * @param {{node: any, svg: any, place: () => [number, number], least: number, column: (x: number) => number, values: () => number[],
 *          at: () => number, go: (k: number) => void, write: (from: number, to: number, value: number) => void,
 *          guard: (f: Function) => any}} spec  `place`: of the row, its top and height in pixels; its numbers go from `least` to 1 by 0.05;
 *        `at`: the place of the chosen number; `write`: a drag came from place `from` to place `to`
 */
export function paintable({ node, svg, place, least, column, values, at, go, write, guard }) {
  let last = 0;
  const follow = (event, first) => {
    const [px, py] = pointer(svg, event), [top, tall] = place(), k = column(px);
    const part = clamp(1 - (py - top - 4) / (tall - 8), 0, 1); // a margin, so that both ends are easy to hit
    write(first ? k : last, k, Number((Math.round((least + part * (1 - least)) * 20) / 20).toFixed(2)));
    last = k;
  };
  const listen = (what, f) => node.addEventListener(what, guard(f));
  listen("pointerdown", (event) => { node.setPointerCapture(event.pointerId); node.focus({ preventScroll: true }); event.preventDefault(); follow(event, true); });
  listen("pointermove", (event) => { if (node.hasPointerCapture(event.pointerId)) follow(event, false); });
  listen("keydown", (event) => {
    const k = at(), end = values().length - 1, many = event.shiftKey ? 10 : 1;
    const move = { ArrowLeft: k - many, ArrowRight: k + many, Home: 0, End: end }[event.key];
    const value = values()[k], to = { ArrowUp: value + 0.05 * many, ArrowDown: value - 0.05 * many, PageUp: 1, PageDown: least }[event.key];
    if (move === undefined && to === undefined) return;
    event.preventDefault();
    if (move !== undefined) go(clamp(move, 0, end));
    else write(k, k, Number(clamp(to, least, 1).toFixed(2)));
  });
}

