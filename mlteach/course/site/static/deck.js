// Slides: keys, steps, an overview, and a speaker's view in a second window that stays in step with the first.

/** @typedef {{deck: string, slide?: number, step?: number, blank?: boolean, hello?: boolean, model?: string, key?: string, value?: any}} Message */

const root = document.documentElement, stage = /** @type {HTMLElement} */ (document.querySelector(".stage"));
const slides = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".slide")]);
const speaker = new URLSearchParams(location.search).has("speaker");
const get = (/** @type {string} */ css) => /** @type {any} */ (document.querySelector(css));
const fragments = (/** @type {number} */ k) => [...slides[k].querySelectorAll(".fragment")];

let now = 0, step = 0; // the slide that is shown, and how many of its fragments

// ---- where we are ------------------------------------------------------------------------------------------------

/** Shows a slide with its first fragments; `tell` the other windows unless they said so. @param {number} k @param {number} [f] @param {boolean} [tell] */
function show(k, f = 0, tell = true) {
  now = Math.min(Math.max(k, 0), slides.length - 1);
  const parts = fragments(now);
  step = Math.min(Math.max(f, 0), parts.length);
  slides.forEach((slide, n) => {
    slide.classList.toggle("now", n == now);
    slide.classList.toggle("next", n == now + 1);
    slide.setAttribute("aria-hidden", String(n != now && !overview()));
  });
  parts.forEach((part, n) => part.classList.toggle("seen", n < step));
  get(".number").textContent = `${now + 1} / ${slides.length}`;
  const place = `#${now + 1}${step ? `.${step}` : ""}`;
  if (location.hash != place) history.replaceState(null, "", place);
  if (tell) send({ slide: now, step });
  if (speaker) prompter();
}
const on = () => (step < fragments(now).length ? show(now, step + 1) : now + 1 < slides.length && show(now + 1));
const back = () => (step ? show(now, step - 1) : now && show(now - 1, Infinity));
function fromAddress(tell = true) {
  const [k, f] = location.hash.slice(1).split(".").map(Number);
  show((k || 1) - 1, f || 0, tell);
}
addEventListener("hashchange", () => fromAddress());

// ---- how large ---------------------------------------------------------------------------------------------------

/** Enlarges the stage to the window. */
function resize() {
  const scale = Math.min(innerWidth / 1280, innerHeight / 720);
  root.style.setProperty("--scale", String(scale));
  root.style.setProperty("--left", `${(innerWidth / scale - 1280) / 2}px`);
  root.style.setProperty("--top", `${(innerHeight / scale - 720) / 2}px`);
  // the speaker sees the slide that is shown, the next one beside it, and the notes below
  const wide = Math.min((innerWidth - 48) / 1280, (0.62 * (innerHeight - 96)) / 720 / 0.6);
  root.style.setProperty("--now", String(0.6 * wide));
  root.style.setProperty("--next", String(0.4 * wide));
  root.style.setProperty("--said", `${64 + 32 + 720 * 0.6 * wide}px`);
}
addEventListener("resize", resize);

/** Makes what a slide holds as large as fits: text a little larger than its own size, an explorer as large as can be. @param {HTMLElement} slide */
function fit(slide) {
  const body = /** @type {HTMLElement} */ (slide.querySelector(".body"));
  const room = getComputedStyle(slide), px = (/** @type {string[]} */ ...names) => names.reduce((sum, name) => sum + parseFloat(room.getPropertyValue(`padding-${name}`)), 0);
  const height = 720 - px("top", "bottom"), width = 1280 - px("left", "right");
  const { style } = body, has = (/** @type {string} */ css) => slide.querySelector(css);
  Object.assign(style, { zoom: "1", width: "" });
  for (const code of /** @type {NodeListOf<HTMLElement>} */ (slide.querySelectorAll(".input pre, .printed.columns"))) {
    Object.assign(code.style, { fontSize: "", whiteSpace: "" }); // long lines become smaller, or wrap; they are not cut
    const box = code.closest(".input") ?? code, size = parseFloat(getComputedStyle(code).fontSize);
    if (box.scrollWidth <= box.clientWidth) continue;
    const small = (size * box.clientWidth) / (box.scrollWidth + 4);
    Object.assign(code.style, small < 15 ? { fontSize: "17px", whiteSpace: "pre-wrap" } : { fontSize: `${small}px` });
  }
  const fits = (/** @type {number} */ zoom) => {
    style.zoom = String(zoom);
    return body.scrollHeight * zoom <= height && body.scrollWidth * zoom <= width + 1;
  };
  let best = 0.5;
  if (has(".explorer")) { // its height follows its width: try some widths
    let wide = 1000;
    for (const w of [720, 800, 880, 960, 1040, 1152]) {
      style.width = `${w}px`;
      const zoom = Math.min((height - 2) / body.scrollHeight, width / w, 1.8);
      if (zoom > best) [best, wide] = [zoom, w];
    }
    if (best < 0.68) [best, wide] = [width / 1152, 1152]; // too tall to be read as a whole: the slide scrolls
    style.width = `${wide}px`;
  } else {
    let high = has(".picture, .input, table") ? 1 : 1.2;
    if (fits(high)) best = high;
    else for (let n = 0; n < 6; n++) { const middle = (best + high) / 2; if (fits(middle)) best = middle; else high = middle; }
  }
  slide.style.overflow = fits(best) ? "" : "auto";
  slide.dataset.fit = best.toFixed(2);
}
const fitAll = () => slides.forEach(fit);
document.addEventListener("toggle", (event) => {
  const slide = /** @type {HTMLElement} */ (event.target).closest?.(".slide");
  if (slide && !speaker) fit(/** @type {HTMLElement} */ (slide));
}, true);

// ---- the other window --------------------------------------------------------------------------------------------

const deck = document.title, channel = "BroadcastChannel" in window ? new BroadcastChannel(deck) : null;
/** Windows that some browsers do not reach by a channel when they are files. @type {Set<any>} */
const others = new Set(window.opener ? [window.opener] : []);

/** @param {Omit<Message, "deck">} message */
function send(message) {
  channel?.postMessage({ deck, ...message });
  for (const other of others) { if (other.closed) others.delete(other); else other.postMessage({ deck, ...message }, "*"); }
}
let hearing = false; // while we do as we are told we do not tell it on
/** @param {MessageEvent<Message>} event */
function hear({ data, source }) {
  if (data?.deck != deck) return;
  if (source && source != window) others.add(source);
  hearing = true;
  if (data.hello && !speaker) send({ slide: now, step });
  if (data.slide != null && (data.slide != now || data.step != step)) show(data.slide, data.step, false);
  if (data.blank != null) root.classList.toggle("blank", data.blank && !speaker);
  if (data.model && data.key) for (const figure of document.querySelectorAll(`figure[data-model="${data.model}"]`)) {
    /** @type {any} */ (figure).explorer?.set(data.key, data.value);
  }
  hearing = false;
}
addEventListener("message", hear);
channel?.addEventListener("message", hear);

/** What the lecturer does in an explorer happens in the other window too. */
function shareExplorers() {
  const models = new Map([...document.querySelectorAll("figure[data-model]")].map((f) => [/** @type {any} */ (f).dataset.model, /** @type {any} */ (f).explorer]));
  for (const [model, explorer] of models) {
    for (const key of explorer?.keys() ?? []) {
      explorer.on(`change:${key}`, () => { if (!hearing) send({ model, key, value: explorer.get(key) }); });
    }
  }
}

// ---- the speaker's view ------------------------------------------------------------------------------------------

let began = 0, kept = 0; // when the clock was started, and what it showed when it was stopped
const plan = slides.map((slide) => Number(/** @type {HTMLElement} */ (slide.querySelector(".notes"))?.dataset.minutes ?? 0));
const clock = (/** @type {number} */ seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
function tick() {
  if (!began && now > 0 && !kept) began = Date.now(); // leaving the title starts the clock
  const gone = kept + (began ? (Date.now() - began) / 1000 : 0), sum = plan.reduce((a, b) => a + b, 0);
  const until = plan.slice(0, now + 1).reduce((a, b) => a + b, 0), late = gone / 60 - until;
  get(".clock .gone").textContent = clock(gone);
  get(".clock .plan").textContent = `this slide ${plan[now]} min, until ${clock(60 * until)} of ${clock(60 * sum)}`;
  get(".clock .late").textContent = late > 0.5 ? `${Math.round(late) || 1} min behind` : "";
  get(".clock .go").textContent = began ? "Stop" : "Start";
}
function prompter() {
  get(".said").innerHTML = slides[now].querySelector(".notes")?.innerHTML ?? "";
  tick();
}
function startSpeaker() {
  root.classList.add("speaker");
  get(".clock .go").addEventListener("click", () => {
    if (began) { kept += (Date.now() - began) / 1000; began = 0; } else began = Date.now();
    tick();
  });
  get(".clock .zero").addEventListener("click", () => { kept = 0; began = began && Date.now(); tick(); });
  setInterval(tick, 500);
  send({ hello: true });
}
const openSpeaker = () => {
  if (speaker) return;
  const url = new URL(location.href);
  url.searchParams.set("speaker", "");
  const opened = window.open(url, "speaker", "width=1200,height=760");
  if (opened) others.add(opened);
};

// ---- keys and hands ----------------------------------------------------------------------------------------------

const overview = () => root.classList.contains("overview");
function toggleOverview() {
  if (speaker) return;
  root.classList.toggle("overview");
  show(now, step, false);
  if (overview()) slides[now].scrollIntoView({ block: "center" });
}
slides.forEach((slide, k) => slide.addEventListener("click", () => { if (overview()) { show(k); toggleOverview(); } }));

/** What a key does. @type {Record<string, () => void>} */
const keys = {
  ArrowRight: on, ArrowDown: on, PageDown: on, Enter: on, n: on, ArrowLeft: back, ArrowUp: back, PageUp: back, Backspace: back, p: back,
  Home: () => show(0), End: () => show(slides.length - 1, Infinity),
  o: toggleOverview, s: openSpeaker, "?": () => get(".help").showModal(),
  b: () => { const blank = !root.classList.contains("blank"); if (!speaker) root.classList.toggle("blank", blank); send({ blank }); },
  f: () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()),
  t: () => { root.dataset.theme = root.dataset.theme == "dark" ? "light" : "dark"; },
};
const here = () => /** @type {HTMLElement | null} */ (document.activeElement);
addEventListener("keydown", (event) => {
  const { key } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || get("dialog[open]")) return;
  if (key == "Escape") {
    if (overview()) toggleOverview(); else here()?.blur();
    return;
  }
  if (here()?.closest(".mlx, input, textarea, select")) return; // in an explorer all keys are the explorer's
  const pressable = here()?.closest("button, a, summary");
  if (pressable && [" ", "Enter"].includes(key)) return;
  if (overview() && key == "Enter") return toggleOverview();
  const act = key == " " ? (event.shiftKey ? back : on) : keys[key] ?? keys[key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
  if (overview()) slides[now].scrollIntoView({ block: "nearest" });
});
addEventListener("focusin", () => root.classList.toggle("in-explorer", Boolean(here()?.closest(".mlx"))));
addEventListener("focusout", () => root.classList.remove("in-explorer"));
for (const button of document.querySelectorAll("[data-do]")) {
  const act = { back, on, help: keys["?"] }[/** @type {any} */ (button).dataset.do];
  button.addEventListener("click", () => act?.());
}
/** @type {number | null} */ let from = null; // a swipe beside explorers turns the slide
addEventListener("touchstart", (event) => { from = /** @type {HTMLElement} */ (event.target).closest(".mlx, .input, .table") ? null : event.touches[0].clientX; }, { passive: true });
addEventListener("touchend", (event) => {
  const far = from == null ? 0 : event.changedTouches[0].clientX - from;
  if (Math.abs(far) > 60) (far < 0 ? on : back)();
});

// ---- begin -------------------------------------------------------------------------------------------------------

resize();
fitAll();
fromAddress(false);
if (speaker) startSpeaker();
if (root.dataset.explorers != "ready") await new Promise((ready) => document.addEventListener("explorers", ready, { once: true }));
shareExplorers();
await document.fonts.ready;
const frame = () => new Promise((done) => requestAnimationFrame(done));
for (let n = 0; n < 2; n++) { fitAll(); await frame(); await frame(); } // an explorer draws itself anew for its width
root.dataset.deck = "ready";
