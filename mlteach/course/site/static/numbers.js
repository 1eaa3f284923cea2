// Numbers in sentences that move an explorer: <span data-moves="GradientCell.forget">0.9</span>. What one may become
// stands with the explorers' states, in the script #explorers. Without scripts, and on paper, a number is text.

/** @typedef {{name: string, min?: number, max?: number, step?: number, log?: boolean, values?: any[]}} Range */
/** @typedef {{get: (key: string) => any, set: (values: Record<string, any>) => void, save_changes: () => void, on: (event: string, heard: () => void) => void}} Moved */

/** How far a hand goes sideways from one end of a range to the other, in pixels. */
const WIDE = 240;

/** A range as arithmetic: shares of the way from its low end (0) to its high end (1), values, words. @param {Range} range */
export function ruler({ min = 0, max = 1, step = 1, log = false, values }) {
  const marks = values ? values.length - 1 : log ? 120 : Math.round((max - min) / step);
  const keep = (/** @type {number} */ share) => Math.min(Math.max(share, 0), 1);
  const at = (/** @type {any} */ value) => (values ? values.indexOf(value) / Math.max(marks, 1)
    : keep(log ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min)));
  /** The value at a share of the way, on a step. @param {number} share */
  const value = (share) => {
    const p = keep(share);
    if (values) return values[Math.round(p * marks)];
    if (log) return Math.min(Math.max(Number((min * (max / min) ** p).toPrecision(2)), min), max);
    return Math.min(Number((min + Math.round((p * (max - min)) / step) * step).toPrecision(12)), max);
  };
  const say = (/** @type {any} */ x) => (typeof x == "boolean" ? (x ? "on" : "off") : typeof x == "number" ? String(Number(x.toPrecision(3))).replace("-", "−") : String(x));
  /** What a sentence says, as a value. @param {string} text */
  const read = (text) => (values ? values.find((each) => say(each) == text) : Number(text.replace("−", "-")));
  /** `marks` steps further; of several values round and round. @param {any} x @param {number} far */
  const next = (x, far) => (values ? values[(values.indexOf(x) + far + values.length * Math.abs(far)) % values.length] : value(at(x) + far / marks));
  return { at, value, say, read, next, low: values ? values[0] : min, high: values ? values[marks] : max };
}

/** @type {HTMLElement | null} */ let hint = null; // one for all, in the window's own pixels
/** @param {HTMLElement} at @param {string} text */
function tell(at, text) {
  if (!hint) {
    hint = document.createElement("div");
    hint.className = "number-hint";
    hint.setAttribute("aria-hidden", "true"); // a screen reader has it from the number itself
    document.body.append(hint);
  }
  hint.textContent = text;
  hint.hidden = false;
  const there = at.getBoundingClientRect(), own = hint.getBoundingClientRect(), above = there.top - own.height - 8;
  hint.style.left = `${Math.max(8, Math.min(there.left + there.width / 2 - own.width / 2, innerWidth - own.width - 8))}px`;
  hint.style.top = `${above > 56 ? above : there.bottom + 8}px`;
}
const untell = () => { if (hint) hint.hidden = true; };

/**
 * Makes a number a control. A drag sideways and the arrow keys move it (Shift: finer by hand, further by key), Home and
 * End go to its ends; a press sets what the sentence says. One of several values goes on to the next by a press.
 * @param {HTMLElement} span @param {Range} range @param {Moved} model @param {string} key
 * @param {(holding: boolean) => void} [held]  hears when a hand takes it and lets it go
 * @param {string} [what]  the name of what it moves
 * @param {() => void} [first]  hears of the first move since it was taken or came into focus
 */
export function scrub(span, range, model, key, held = () => {}, what = "", first = () => {}) {
  const { at, value, say, read, next, low, high } = ruler(range), several = Boolean(range.values);
  const written = read(span.textContent?.trim() ?? "");
  let moved = false, begun = false; // until it has moved the sentence says what it was written to say
  const now = () => (moved ? model.get(key) : written);
  const use = (several ? `Press for the next: ${range.values?.map(say).join(", ")}.`
    : `Drag sideways, or use the arrow keys: ${say(low)} to ${say(high)}. A press sets ${say(written)}.`) + (what && ` It moves ${what}.`);
  span.tabIndex = 0;
  span.setAttribute("role", several ? "button" : "slider");
  span.setAttribute("aria-description", use);
  if (!several) for (const [name, x] of Object.entries({ min: low, max: high })) span.setAttribute(`aria-value${name}`, String(x));
  const draw = () => {
    const text = say(now());
    if (span.textContent != text) span.textContent = text;
    span.setAttribute("aria-label", several ? `${range.name}: ${text}` : range.name);
    if (!several) { span.setAttribute("aria-valuenow", String(now())); span.setAttribute("aria-valuetext", text); }
  };
  const set = (/** @type {any} */ x) => {
    moved = true;
    untell(); // whoever moves it knows how
    model.set({ [key]: x });
    model.save_changes();
    draw();
    if (!begun) first();
    begun = true;
  };
  model.on(`change:${key}`, () => { moved = true; draw(); });
  draw();

  /** @type {{x: number, share: number} | null} */ let from = null;
  let dragged = false;
  const release = () => { from = null; span.style.minWidth = ""; span.classList.remove("held"); held(false); };
  span.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault(); // no text is marked
    span.focus({ preventScroll: true });
    span.setPointerCapture(event.pointerId);
    [from, dragged, begun] = [{ x: event.clientX, share: at(now()) }, false, false];
    span.classList.add("held");
    held(true);
  });
  span.addEventListener("pointermove", (event) => {
    if (!from || several) return;
    const far = event.clientX - from.x;
    if (!dragged && Math.abs(far) < 4) return;
    dragged = true;
    span.style.minWidth = `${Math.max(parseFloat(span.style.minWidth) || 0, span.offsetWidth)}px`; // so that the line stays as it is
    set(value(from.share + (far / WIDE) * (event.shiftKey ? 0.1 : 1)));
  });
  span.addEventListener("pointerup", () => {
    if (!from) return;
    release();
    if (!dragged) set(several ? next(now(), 1) : written);
  });
  span.addEventListener("pointercancel", release);
  span.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? 10 : 1, press = () => (several ? next(now(), 1) : written);
    const to = { ArrowRight: () => next(now(), several ? 1 : far), ArrowUp: () => next(now(), several ? 1 : far), ArrowLeft: () => next(now(), several ? -1 : -far),
      ArrowDown: () => next(now(), several ? -1 : -far), Home: () => low, End: () => high, Enter: press, " ": press }[event.key];
    if (!to) return;
    event.preventDefault();
    set(to());
  });
  for (const event of ["pointerenter", "focus"]) span.addEventListener(event, () => { if (!from) tell(span, `${range.name[0].toUpperCase()}${range.name.slice(1)}. ${use}`); });
  for (const event of ["pointerleave", "blur"]) span.addEventListener(event, untell);
  span.addEventListener("focus", () => { begun = false; });
  addEventListener("scroll", untell, { passive: true, capture: true });
}

/** The explorer that a number moves: on a slide that slide's, else the next of its kind, else the last one before. @param {Element} span @param {string} kind */
function nearest(span, kind) {
  const all = (/** @type {Element | Document} */ of) => [...of.querySelectorAll(`figure[data-kind="${kind}"]:not([data-failed])`)];
  const slide = span.closest(".slide"), here = slide ? all(slide)[0] : undefined, found = all(document);
  return here ?? found.find((figure) => span.compareDocumentPosition(figure) & Node.DOCUMENT_POSITION_FOLLOWING) ?? found.at(-1);
}

/** What a number says that it moves; the explorer of another slide by that slide's number. @param {Element} span @param {Element | undefined} figure */
function named(span, figure) {
  const home = figure?.closest(".slide");
  if (!home || home == span.closest(".slide")) return figure?.getAttribute("aria-label")?.split(",")[0] ?? ""; // on a slide there is but one
  return `the explorer on slide ${[...document.querySelectorAll(".slide")].indexOf(home) + 1}`;
}

const BAR = 64; // at the top of a page, in pixels

/**
 * Shows a page's explorer together with the number that moves it: the page scrolls no further than the number lets it.
 * Where both do not fit into the window, a link beside the number says where the explorer is.
 * @param {HTMLElement} span @param {HTMLElement} figure @param {string} what  its name
 */
function together(span, figure, what) {
  const mine = span.getBoundingClientRect(), its = figure.getBoundingClientRect(), below = its.top > mine.top;
  /** Whether half of it is in view, or fills half of the window, once the page has moved. @param {number} far */
  const seen = (far) => Math.min(its.bottom - far, innerHeight) - Math.max(its.top - far, BAR) > Math.min(its.height, innerHeight - BAR) / 2;
  if (seen(0)) return; // nothing jumps under the hand
  const far = below ? Math.max(Math.min(its.bottom + 12 - innerHeight, mine.top - BAR), 0) : Math.min(Math.max(its.top - BAR, mine.bottom + 12 - innerHeight), 0);
  if (seen(far)) scrollBy({ top: far, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
  else if (figure.id && !span.nextElementSibling?.matches(".follows")) {
    const link = document.createElement("a");
    Object.assign(link, { className: "follows", href: `#${figure.id}`, textContent: `${what} ${below ? "↓" : "↑"}` });
    link.setAttribute("aria-label", `${what}, which moves, is ${below ? "below" : "above"}`);
    span.after(link);
  }
}

/** Every number of the document, as soon as its explorer is alive. */
function start() {
  const spans = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("span[data-moves]")), text = document.querySelector("script#explorers")?.textContent;
  if (!spans.length || !text) return;
  const ranges = JSON.parse(text).moves, waiting = new Set(spans);
  const begin = () => {
    for (const span of waiting) {
      const [kind, key] = (span.dataset.moves ?? "").split("."), figure = nearest(span, kind), range = ranges[span.dataset.moves ?? ""];
      const model = /** @type {any} */ (figure)?.explorer;
      if (!model || !range) continue;
      const what = named(span, figure);
      waiting.delete(span);
      scrub(span, range.most ? { ...range, max: model.get(range.most) } : range, model, key,
        (holding) => figure?.classList.toggle("moved", holding), what, () => { if (what && !span.closest(".slide")) together(span, /** @type {HTMLElement} */ (figure), what); });
    }
  };
  begin();
  document.addEventListener("explorers", begin);
}

if (typeof document != "undefined") start();
