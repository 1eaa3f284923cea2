// Lays the content of a slide out so that it fits: in one column or in two, with letters as large as can be. Nothing is
// enlarged or made smaller as a whole, so a letter is never smaller than SMALLEST, nor one of code smaller than CODE.

/**
 * @typedef {"text" | "code" | "picture" | "printed"} Kind
 * @typedef {{el: HTMLElement, kind: Kind}} Piece
 * @typedef {{height: number, fits: boolean, formula?: string}} Measured
 * @typedef {{pieces: Piece[], width: number}[]} Columns
 * @typedef {{worth: number, size: number, columns: Columns, enlarged: number[]}} Layout
 */

const WIDTH = 1200, HEIGHT = 594, GAP = 32; // of the content; a little less than its box, since letters may reach out of their line
const SIZES = [32, 30, 28, 26, 24, 22, 20, 19, 18, 17, 16], SMALLEST = 16, CODE = 14;
/** The share of the left one of two columns. */
const SHARES = [0.3, 0.38, 0.5, 0.62, 0.7];
/** Pictures are drawn for a page, with letters of 18 px. A slide shows them at least so large, and better larger. */
const LEAST = 0.89, GOOD = 1.3, LARGEST = 1.9;
const codeSize = (/** @type {number} */ size) => Math.max(CODE, Math.round(0.74 * size));

/** What a slide is made of, in order. Each part comes out of its cell, and remembers at which key it appears. @param {HTMLElement} body @returns {Piece[]} */
function taken(body) {
  /** @type {Piece[]} */ const pieces = [];
  let step = 0;
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (body.querySelectorAll(":scope > .part"))) {
    const late = part.classList.contains("fragment") ? String(++step) : "", code = !part.classList.contains("no-code");
    const add = (/** @type {HTMLElement} */ el, /** @type {Kind} */ kind) => {
      if (late) { el.classList.add("fragment"); el.dataset.step = late; }
      pieces.push({ el, kind });
    };
    for (const el of /** @type {NodeListOf<HTMLElement>} */ (part.querySelectorAll(".text, .input, .picture, .results, .table"))) {
      if (el.closest("details.source") || el.parentElement?.closest(".text") || (el.matches(".input") && !code)) continue;
      if (el.matches(".text")) for (const child of /** @type {HTMLElement[]} */ ([...el.children])) {
        if (child.matches(".anchor, .todo")) continue;
        const own = document.createElement("div");
        own.className = "text";
        own.append(child);
        add(own, child.matches("table, .table") ? "printed" : "text");
      } else add(el, el.matches(".input") ? "code" : el.matches(".picture") ? "picture" : "printed");
    }
  }
  return pieces;
}

/** The ways to deal the pieces to two columns. @param {Piece[]} pieces @returns {[Piece[], Piece[]][]} */
function dealt(pieces) {
  const to = (/** @type {Kind[]} */ ...left) => [pieces.filter((each) => left.includes(each.kind)), pieces.filter((each) => !left.includes(each.kind))];
  const ways = [to("text"), to("text", "printed"), to("text", "code"), to("code"), to("text", "code", "printed")];
  const words = pieces.every((each) => each.kind == "text");
  if (words) for (let k = 1; k < pieces.length; k++) ways.push([pieces.slice(0, k), pieces.slice(k)]);
  return /** @type {[Piece[], Piece[]][]} */ (ways.filter(([left, right]) => left.length && right.length));
}

/** How much wider what a piece holds is than the piece, as a factor. @param {Element} el */
const excess = (el) => el.scrollWidth / Math.max(1, el.clientWidth);

/** How high a piece is at this width, and whether it is whole. A long formula alone may be set smaller. @param {Piece} piece @param {number} size @returns {Measured} */
function measured({ el }, size) {
  el.style.removeProperty("--formula");
  let formula;
  const most = Math.max(1, ...[...el.querySelectorAll(".formula")].map(excess));
  if (most > 1) {
    formula = `${Math.floor((10 * 1.22 * size) / most) / 10}px`;
    el.style.setProperty("--formula", formula);
  }
  const inside = [el, ...el.querySelectorAll(".formula, pre, table, .input")];
  const fits = parseFloat(formula ?? "99") >= SMALLEST && inside.every((each) => each.scrollWidth <= each.clientWidth + 1 && /** @type {HTMLElement} */ (each).offsetWidth <= el.offsetWidth + 1);
  return { height: el.offsetHeight, fits, formula };
}

/** @param {Piece} piece @returns {[number, number]}  width and height of a picture as on a page */
function natural({ el }) {
  const image = el.querySelector("img"), drawing = el.querySelector("svg");
  if (drawing) {
    const { width, height } = drawing.viewBox.baseVal, wide = parseFloat(getComputedStyle(drawing).getPropertyValue("--width")) || width;
    return [wide, (wide * height) / width];
  }
  const wide = Number(image?.getAttribute("width")) || image?.naturalWidth || 800;
  return [wide, (wide * (image?.naturalHeight || 450)) / (image?.naturalWidth || 800)];
}

/** Letters of a drawing that are small even so are set larger. @param {SVGSVGElement} drawing */
function readable(drawing) {
  const unit = parseFloat(drawing.style.width) / drawing.viewBox.baseVal.width; // of the drawing, in pixels
  for (const letters of drawing.querySelectorAll("text, tspan"))
    if (parseFloat(getComputedStyle(letters).fontSize) * unit < SMALLEST) /** @type {SVGElement} */ (letters).style.fontSize = `${(SMALLEST + 0.1) / unit}px`;
}

const worthOf = (/** @type {number} */ size, /** @type {number} */ enlarged) => Math.min(1, size / 24) * Math.min(1, (enlarged / GOOD) ** 0.8);

/** The best layout of the pieces, or null when none has letters large enough. @param {HTMLElement} body @param {Piece[]} pieces @param {number} [least] @returns {Layout | null} */
function best(body, pieces, least = LEAST) {
  const words = pieces.every((each) => each.kind == "text");
  /** @type {{sides: Piece[][], share: number}[]} */ const ways = [{ sides: [pieces], share: 1 }];
  for (const sides of dealt(pieces)) for (const share of SHARES) ways.push({ sides, share });
  /** @type {Layout | null} */ let found = null;
  for (const size of words ? SIZES : SIZES.slice(3)) { // beside a picture or code, words are not shouted
    if (found && found.worth >= worthOf(size, GOOD)) break; // smaller letters cannot be worth more
    body.style.setProperty("--size", `${size}px`);
    body.style.setProperty("--code", `${codeSize(size)}px`);
    /** @type {Map<number, Map<Piece, Measured>>} */ const known = new Map();
    const at = (/** @type {number} */ width) => {
      if (!known.has(width)) {
        body.style.width = `${width}px`;
        known.set(width, new Map(pieces.filter((each) => each.kind != "picture").map((each) => [each, measured(each, size)])));
      }
      return /** @type {Map<Piece, Measured>} */ (known.get(width));
    };
    for (const { sides, share } of ways) {
      const room = sides.length == 1 ? [WIDTH] : [Math.round(share * (WIDTH - GAP)), Math.round((1 - share) * (WIDTH - GAP))];
      let enlarged = LARGEST, all = true, letters = size;
      /** @type {number[]} */ const factors = [];
      for (const [k, side] of sides.entries()) {
        const pictures = side.filter((each) => each.kind == "picture");
        const rest = side.filter((each) => each.kind != "picture").map((each) => at(room[k]).get(each));
        const left = HEIGHT - rest.reduce((sum, each) => sum + (each?.height ?? 0), 0) - 0.7 * size * (side.length - 1);
        if (left < 0 || rest.some((each) => !each?.fits)) { all = false; break; }
        for (const each of rest) letters = Math.min(letters, parseFloat(each?.formula ?? "99")); // a formula is not to be the smallest
        const sizes = pictures.map(natural), high = sizes.reduce((sum, [, height]) => sum + height, 0);
        factors.push(Math.min(LARGEST, left / high, ...sizes.map(([wide]) => room[k] / wide)));
        enlarged = Math.min(enlarged, factors[k]);
      }
      if (!all || enlarged < least) continue;
      let worth = worthOf(letters, enlarged);
      if (words && sides.length > 1) worth *= 0.9;
      if (!found || worth > found.worth) found = { worth, size, columns: sides.map((side, k) => ({ pieces: side, width: room[k] })), enlarged: factors };
    }
  }
  return found;
}

/** Lays a slide out. `data-over` says that its letters would have to be too small; then it is to be cut in two. @param {HTMLElement} slide */
function arrange(slide) {
  const body = /** @type {HTMLElement} */ (slide.querySelector(".body")), explorer = /** @type {HTMLElement | null} */ (body.querySelector(".explorer"));
  if (explorer) return alone(slide, body, explorer);
  const pieces = taken(body), folded = pieces.flatMap(({ el }) => [...el.querySelectorAll("details")]);
  folded.forEach((each) => { each.open = true; }); // there is room for it when it is opened
  body.replaceChildren(...pieces.map(({ el }) => el));
  body.classList.add("measured");
  const fitting = best(body, pieces), layout = fitting ?? best(body, pieces, 0.3) ?? { worth: 0, size: SMALLEST, columns: [{ pieces, width: WIDTH }], enlarged: [LEAST] };
  body.classList.remove("measured");
  if (!fitting) slide.dataset.over = "";
  body.style.width = "";
  body.style.setProperty("--size", `${layout.size}px`);
  body.style.setProperty("--code", `${codeSize(layout.size)}px`);
  const still = !pieces.some((each) => each.kind == "picture");
  body.replaceChildren(...layout.columns.map(({ pieces: side, width }, k) => {
    const column = document.createElement("div");
    column.className = `column${still ? " top" : ""}`;
    column.style.width = `${width}px`;
    column.append(...side.map(({ el }) => el));
    for (const each of side) if (each.kind == "picture") {
      const [wide, high] = natural(each);
      Object.assign(/** @type {HTMLElement} */ (each.el.querySelector("img, svg")).style, { width: `${wide * layout.enlarged[k]}px`, height: `${high * layout.enlarged[k]}px` });
    }
    return column;
  }));
  for (const { el } of pieces) for (const drawing of /** @type {NodeListOf<SVGSVGElement>} */ (el.querySelectorAll("svg[viewBox]"))) readable(drawing);
  for (const { el } of pieces) measured({ el, kind: "text" }, layout.size); // a formula's size is that of its column's width
  folded.forEach((each) => { each.open = false; });
}

/** An explorer has the whole of its slide. What is too tall becomes smaller as a whole. @param {HTMLElement} slide @param {HTMLElement} body @param {HTMLElement} explorer */
function alone(slide, body, explorer) {
  const view = /** @type {HTMLElement} */ (explorer.querySelector(":scope > div")), ROOM = 602;
  if (!view) return; // it did not start: its picture stands there
  if (body.querySelectorAll(":scope > .part").length > 1) slide.dataset.over = ""; // what is beside it does not fit
  body.replaceChildren(explorer);
  function fit() {
    const tall = () => view.offsetHeight;
    Object.assign(view.style, { width: `${WIDTH}px`, transform: "", marginLeft: "" });
    slide.classList.remove("lean");
    if (tall() > ROOM) slide.classList.add("lean");
    let [factor, wide] = [Math.min(1, ROOM / tall()), WIDTH];
    if (factor < 1) for (const width of [1100, 1000, 900, 800]) { // what grows with its width is larger when it is narrower
      view.style.width = `${width}px`;
      if (Math.min(1, ROOM / tall()) > factor + 0.01) [factor, wide] = [Math.min(1, ROOM / tall()), width];
    }
    Object.assign(view.style, { width: `${wide}px`, transform: factor < 1 ? `scale(${factor})` : "", marginLeft: `${(WIDTH - factor * wide) / 2}px` });
    slide.dataset.scale = factor.toFixed(2);
  }
  fit();
  // a control that was moved may make it taller; it never grows again under the hand
  const look = () => { if (view.offsetHeight * Number(slide.dataset.scale) > ROOM + 1) fit(); };
  new ResizeObserver(() => requestAnimationFrame(look)).observe(view);
}
