// Slides: keys, steps, an overview, and a speaker's view in a second window that stays in step with the first.

/** @typedef {{deck: string, from: number, nth: number, slide?: number, step?: number, blank?: boolean, hello?: boolean, model?: string, key?: string, value?: any}} Message */

const root = document.documentElement, stage = /** @type {HTMLElement} */ (document.querySelector(".stage"));
const slides = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".slide")]);
const speaker = new URLSearchParams(location.search).has("speaker");
const get = (/** @type {string} */ css) => /** @type {any} */ (document.querySelector(css));
/** The fragments of slide k, in order; one that is laid out in several places is one. @param {number} k @returns {Element[][]} */
const fragments = (k) => Object.values(Object.groupBy(slides[k].querySelectorAll(".fragment"), (/** @type {any} */ part) => part.dataset.step ?? ""));

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
  parts.forEach((part, n) => part.forEach((each) => each.classList.toggle("seen", n < step)));
  root.classList.remove("blank");
  get(".number").textContent = `${now + 1} / ${slides.length}`;
  const place = `#${now + 1}${step ? `.${step}` : ""}`;
  if (location.hash != place) history.replaceState(null, "", place);
  if (tell) send({ slide: now, step, blank: false });
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
  const scale = Math.min(innerWidth / 1280, innerHeight / 720), larger = Math.max(1, scale), smaller = Math.min(1, scale);
  const set = (/** @type {string} */ name, /** @type {string | number} */ value) => root.style.setProperty(`--${name}`, String(value));
  set("larger", larger);
  set("smaller", smaller);
  set("left", `${(innerWidth / larger - 1280 * smaller) / 2}px`);
  set("top", `${(innerHeight / larger - 720 * smaller) / 2}px`);
  // the speaker sees the slide that is shown, the next one beside it, and the notes below
  const wide = Math.min((innerWidth - 48) / 1280, (0.62 * (innerHeight - 96)) / 720 / 0.6);
  set("now", 0.6 * wide);
  set("next", 0.4 * wide);
  set("said", `${64 + 32 + 720 * 0.6 * wide}px`);
}
addEventListener("resize", resize);

// ---- the other window --------------------------------------------------------------------------------------------

const deck = document.title, channel = "BroadcastChannel" in window ? new BroadcastChannel(deck) : null;
/** Windows that some browsers do not reach by a channel when they are files. @type {Set<any>} */
const others = new Set(window.opener ? [window.opener] : []);

const me = Math.random(); // this window's name
let told = 0;
/** The newest message heard from each window: the second copy may arrive after the keys have gone on. @type {Map<number, number>} */
const heard = new Map();

/** Tells it on both ways. @param {Omit<Message, "deck" | "from" | "nth">} news */
function send(news) {
  const message = { deck, from: me, nth: ++told, ...news };
  channel?.postMessage(message);
  for (const other of others) { if (other.closed) others.delete(other); else other.postMessage(message, "*"); }
}
let hearing = false; // while we do as we are told we do not tell it on
/** @param {MessageEvent<Message>} event */
function hear({ data, source }) {
  if (data?.deck != deck) return;
  if (source && source != window) others.add(source);
  if (data.nth <= (heard.get(data.from) ?? 0)) return;
  heard.set(data.from, data.nth);
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
  const until = plan.slice(0, now + 1).reduce((a, b) => a + b, 0), late = gone / 60 - until, early = until - plan[now] - gone / 60;
  get(".clock .gone").textContent = clock(gone);
  get(".clock .plan").textContent = `this slide ${plan[now]} min, until ${clock(60 * until)} of ${clock(60 * sum)}`;
  const apart = Math.max(1, Math.round(Math.max(late, early))), said = late > 0.5 ? `${apart} min behind` : early > 0.5 ? `${apart} min ahead` : "on time";
  if (get(".clock .late").textContent != said) get(".clock .late").textContent = said;
  get(".clock .late").classList.toggle("behind", late > 0.5);
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
  if (overview()) { here()?.blur(); slides[now].scrollIntoView({ block: "center" }); }
}
/** How many slides stand side by side in the overview. */
const across = () => slides.findIndex((slide) => slide.offsetTop > slides[0].offsetTop);
slides.forEach((slide, k) => slide.addEventListener("click", () => { if (overview()) { show(k); toggleOverview(); } }));

let dark = false;
/** The screen goes blank, or comes back; the speaker's own does not. */
function blank() {
  dark = speaker ? !dark : !root.classList.contains("blank");
  if (!speaker) root.classList.toggle("blank", dark);
  send({ blank: dark });
}
/** What a key does. @type {Record<string, () => void>} */
const keys = {
  ArrowRight: on, ArrowDown: on, PageDown: on, Enter: on, n: on, ArrowLeft: back, ArrowUp: back, PageUp: back, Backspace: back, p: back,
  Home: () => show(0), End: () => show(slides.length - 1, Infinity),
  o: toggleOverview, s: openSpeaker, "?": () => get(".help").showModal(),
  b: blank, ".": blank,
  f: () => (document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen()).catch(() => {}), // a browser may refuse
  t: () => { root.dataset.theme = root.dataset.theme == "dark" ? "light" : "dark"; },
};
const here = () => /** @type {HTMLElement | null} */ (document.activeElement);
const typing = () => here()?.matches("input:not([type=range], [type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]");

// What a clicker sends turns the page, whatever has the focus; so it is heard first, and nobody else hears of it.
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key != "F5")) return;
  const act = { PageDown: on, PageUp: back, F5: () => document.fullscreenElement || keys.f() }[event.key] ?? ([".", "b"].includes(event.key) && !typing() ? blank : null);
  if (!act) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  get("dialog[open]")?.close();
  if (act == on || act == back) here()?.closest(".mlx")?.contains(here()) && here()?.blur();
  act();
  if (overview()) slides[now].scrollIntoView({ block: "nearest" });
}, true);
addEventListener("keydown", (event) => {
  const { key } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || get("dialog[open]")) return;
  if (key == "Escape") {
    if (overview() || !here()?.closest(".mlx, .input, button, a, summary")) toggleOverview(); else here()?.blur();
    return;
  }
  if (here()?.closest(".mlx, input, textarea, select")) return; // in an explorer all keys are the explorer's
  const pressable = here()?.closest("button, a, summary");
  if (pressable && [" ", "Enter"].includes(key)) return;
  if (overview() && key == "Enter") return toggleOverview();
  if (overview() && key.startsWith("Arrow")) {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across(), ArrowDown: across() }[key] ?? 0;
    event.preventDefault();
    if (slides[now + by]) show(now + by);
    return slides[now].scrollIntoView({ block: "nearest" });
  }
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
fromAddress(false);
if (speaker) startSpeaker();
/** Waits until explorers are as far as that. @param {string[]} far */
const explorers = async (...far) => {
  while (!far.includes(root.dataset.explorers ?? "")) await new Promise((told) => document.addEventListener("explorers", told, { once: true }));
};
const frame = () => new Promise((done) => requestAnimationFrame(done)), waiting = new Set(slides.keys());
/** @param {number} k */
async function lay(k) {
  waiting.delete(k);
  await Promise.all([...slides[k].querySelectorAll("img")].map((image) => image.decode().catch(() => {}))); // a picture's size is asked
  if (k) arrange(slides[k]); // the title needs no layout
  if (k == now) fromAddress(false);
}
await explorers("here", "ready");
await document.fonts.load('16px "STIX Two Math"');
await lay(now);
await frame();
root.dataset.deck = "here"; // what is seen is as it should be, and answers
await explorers("ready");
shareExplorers();
while (waiting.size) { // the one that is seen first, wherever the lecturer has gone meanwhile
  await idle();
  await lay(waiting.has(now) ? now : Math.min(...waiting));
}
fromAddress(false);
await frame();
await frame(); // an explorer draws itself anew for its width
root.dataset.deck = "ready";
