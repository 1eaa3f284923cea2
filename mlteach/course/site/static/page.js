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
  const wide = matchMedia("(min-width: 1180px)"), fit = () => { contents.open = wide.matches; };
  fit();
  wide.addEventListener("change", fit);
  // As it is written, not as an address: a heading may have a percent sign in it.
  const links = new Map([...contents.querySelectorAll("a")].map((a) => [a.getAttribute("href")?.slice(1) ?? "", a]));
  const headings = [...links.keys()].map((id) => document.getElementById(id)).filter((h) => h != null);
  let waiting = 0;
  const mark = () => {
    waiting = 0;
    const here = headings.findLast((h) => h.getBoundingClientRect().top < innerHeight / 3);
    for (const [id, a] of links) if (id == here?.id) a.setAttribute("aria-current", "true"); else a.removeAttribute("aria-current");
  };
  addEventListener("scroll", () => { waiting ||= requestAnimationFrame(mark); }, { passive: true });
  mark();
}
