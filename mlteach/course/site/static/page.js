// What a page does besides its explorers: dark or light, "I have done this lesson", and where the reader is.

/** A small store that outlives the page where the browser allows it. */
const memory = {
  /** @param {string} key */
  read(key) { try { return localStorage.getItem(`mlteach.${key}`); } catch { return null; } },
  /** @param {string} key @param {string} value @returns {boolean} whether it was kept */
  write(key, value) {
    try { localStorage.setItem(`mlteach.${key}`, value); return localStorage.getItem(`mlteach.${key}`) == value; } catch { return false; }
  },
};

const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
document.getElementById("theme")?.addEventListener("click", () => {
  root.dataset.theme = root.dataset.theme == "dark" ? "light" : "dark";
  memory.write("theme", root.dataset.theme);
});
system.addEventListener("change", () => { if (!memory.read("theme")) root.dataset.theme = system.matches ? "dark" : "light"; });

// Which lessons are done: one key a lesson, so that two open pages never overwrite each other.
for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[data-lesson]"))) {
  const key = `done.${box.dataset.lesson}`, show = () => { box.checked = memory.read(key) == "yes"; };
  show();
  box.addEventListener("change", () => {
    const kept = memory.write(key, box.checked ? "yes" : "no"), said = /** @type {HTMLElement | null} */ (document.querySelector(".finish #unkept, #map > #unkept"));
    if (said) said.hidden = kept;
  });
  addEventListener("storage", show); // the same lesson on another page
  addEventListener("pageshow", show); // back from one
}

const contents = /** @type {HTMLDetailsElement | null} */ (document.querySelector(".contents details"));
if (contents) {
  const wide = matchMedia("(min-width: 1180px)"), summary = /** @type {HTMLElement} */ (contents.querySelector("summary"));
  // As it is written, not as an address: a heading may have a percent sign in it.
  const links = new Map([...contents.querySelectorAll("a")].map((a) => [a.getAttribute("href")?.slice(1) ?? "", a]));
  const all = [...links.values()], frame = /** @type {HTMLElement} */ (contents.parentElement);
  const headings = [...links.keys()].map((id) => document.getElementById(id)).filter((h) => h != null);
  /** Whether it is above the upper third. To ask where a cell is costs nothing; to ask what is in it would lay it out. @param {Element} part */
  const passed = (part) => part.getBoundingClientRect().top < innerHeight / 3;
  const fit = () => { contents.open = wide.matches; summary.tabIndex = wide.matches ? -1 : 0; };
  fit();
  frame.classList.add("fitted");
  wide.addEventListener("change", fit);

  // The list is one stop of the Tab key; the arrows go on in it.
  /** @param {HTMLAnchorElement} stop */
  const rove = (stop) => { for (const a of all) a.tabIndex = a == stop ? 0 : -1; };
  if (all.length) rove(all[0]);
  frame.addEventListener("keydown", (event) => {
    const at = all.findIndex((a) => a == document.activeElement), last = all.length - 1;
    const to = { ArrowDown: Math.min(at + 1, last), ArrowUp: Math.max(at - 1, 0), Home: 0, End: last }[event.key];
    if (at < 0 || to == undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    rove(all[to]);
    all[to].focus();
  });

  let waiting = 0;
  /** @type {HTMLAnchorElement | undefined} */ let marked;
  const mark = () => {
    waiting = 0;
    const here = headings.findLast((h) => passed(h.closest("article > *") ?? h) && passed(h)), now = here && links.get(here.id);
    if (now == marked) return;
    marked?.removeAttribute("aria-current");
    now?.setAttribute("aria-current", "true");
    marked = now;
    if (!now || frame.contains(document.activeElement)) return;
    rove(now);
    // The list follows, and it alone: the page must not move.
    const box = now.getBoundingClientRect(), room = frame.getBoundingClientRect();
    if (box.top < room.top + 40 || box.bottom > room.bottom - 40) frame.scrollTop += box.top - room.top - room.height / 2;
  };
  addEventListener("scroll", () => { waiting ||= requestAnimationFrame(mark); }, { passive: true });
  mark();
}
