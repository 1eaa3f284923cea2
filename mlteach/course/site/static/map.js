// The search in all lessons, and how many of them are done.

/** A section, an exercise, a figure or an explorer of a page. What is covered or folded there, the hints and the answers,
 *  can be found, and is not shown.
 *  @typedef {[page: string, place: string, heading: string, words: string, kind?: string, covered?: string]} Section */

/** Small letters without accents. @param {string} text */
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

/**
 * The sections that hold every word of the query, the best first: a word in a heading counts more than one in the text,
 * the beginning of a word more than its middle. "exercise" and "figure" are words of what is one.
 * @param {Section[]} sections @param {string} query @returns {Section[]}
 */
export function search(sections, query) {
  const wanted = plain(query).split(/\s+/).filter(Boolean);
  if (!wanted.length) return [];
  const points = (/** @type {Section} */ [, , heading, words, kind = "", covered = ""]) => {
    let sum = 0;
    const head = plain(`${heading} ${kind}`), text = plain(words), rest = plain(covered);
    for (const word of wanted) {
      const [h, t, r] = [head, text, rest].map((t) => (t.includes(word) ? (` ${t}`.includes(` ${word}`) ? 2 : 1) : 0));
      if (!h && !t && !r) return 0;
      sum += 10 * h + t + r / 4;
    }
    return sum + (wanted.length > 1 && text.includes(wanted.join(" ")) ? 5 : 0);
  };
  return sections.map((section) => ({ section, score: points(section) })).filter(({ score }) => score)
    .sort((a, b) => b.score - a.score).map(({ section }) => section);
}

/** About `width` letters of `words` around the first word found. @param {string} words @param {string} query @param {number} [width] */
export function excerpt(words, query, width = 180) {
  const text = plain(words), places = plain(query).split(/\s+/).filter(Boolean).map((word) => text.indexOf(word)).filter((p) => p >= 0);
  const at = Math.max((places.length ? Math.min(...places) : 0) - width / 3, 0), from = at && words.indexOf(" ", at) + 1;
  const cut = words.slice(from, from + width);
  return (from ? "… " : "") + (from + width < words.length ? `${cut.slice(0, cut.lastIndexOf(" "))} …` : cut);
}

/** `text` with the words of the query marked, as nodes. @param {string} text @param {string} query @returns {Node[]} */
function marked(text, query) {
  const low = plain(text), words = plain(query).split(/\s+/).filter(Boolean);
  if (low.length != text.length) return [document.createTextNode(text)]; // letters that plain() makes longer: leave them
  const nodes = [];
  for (let at = 0; at < text.length;) {
    const found = words.map((word) => [low.indexOf(word, at), word.length]).filter(([p]) => p >= 0).sort((a, b) => a[0] - b[0])[0];
    const end = found ? found[0] : text.length;
    if (end > at) nodes.push(document.createTextNode(text.slice(at, end)));
    if (found) {
      const mark = document.createElement("mark");
      mark.textContent = text.slice(end, end + found[1]);
      nodes.push(mark);
    }
    at = found ? end + found[1] : end;
  }
  return nodes;
}

function start() {
  const get = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
  /** @type {Section[]} */ const sections = JSON.parse(get("words").textContent);
  const titles = new Map(sections.filter(([, place]) => !place).map(([page, , title]) => [page, title]));
  const query = get("query"), hits = get("hits"), count = get("count"), map = get("map");

  const MOST = 30; // are listed
  const look = () => {
    const found = search(sections, query.value), asked = Boolean(query.value.trim()), n = found.length;
    hits.hidden = !asked;
    map.hidden = asked;
    count.textContent = !asked ? "" : !n ? "Nothing found. Try fewer letters." : `${n} ${n > 1 ? "places" : "place"} found${n > MOST ? `, the first ${MOST} are listed` : ""}. Arrow keys go through them.`;
    hits.replaceChildren(...found.slice(0, MOST).map(([page, place, heading, words, kind = ""]) => {
      const item = document.createElement("li"), link = document.createElement("a"), where = document.createElement("span"), text = document.createElement("p");
      link.href = page + (place && `#${encodeURIComponent(place)}`);
      link.append(...marked(heading, query.value));
      where.className = "soft";
      where.textContent = place ? ` · ${titles.get(page)}` : "";
      const seen = plain(`${heading} ${kind} ${words}`), asks = plain(query.value).split(/\s+/).filter(Boolean), hidden = asks.filter((word) => !seen.includes(word));
      if (hidden.length < asks.length) text.append(...marked(excerpt(words, query.value), query.value));
      if (hidden.length) {
        const told = document.createElement("span");
        Object.assign(told, { className: "soft", textContent: `${text.textContent ? " – " : ""}${hidden.join(" ")}: in what is folded or covered there.` });
        text.append(told);
      }
      item.append(link);
      if (kind) {
        const badge = document.createElement("span");
        badge.className = "kind";
        badge.textContent = kind;
        item.append(" ", badge);
      }
      item.append(where, text);
      return item;
    }));
  };
  query.addEventListener("input", look);
  get("search").addEventListener("submit", (/** @type {Event} */ event) => { event.preventDefault(); hits.querySelector("a")?.focus(); });
  get("course").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key], links = [...hits.querySelectorAll("a")], here = links.indexOf(document.activeElement);
    if (!way || !links.length || (here < 0 && document.activeElement != query)) return;
    event.preventDefault();
    if (here + way < 0) query.focus(); else links[Math.min(here + way, links.length - 1)].focus();
  });
  addEventListener("keydown", (event) => {
    if (event.key == "/" && document.activeElement != query) { event.preventDefault(); query.focus(); }
    if (event.key == "Escape" && query.value) { query.value = ""; look(); query.focus(); }
  });
  look(); // a browser that goes back fills the field again

  const boxes = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("input[data-lesson]")]), bar = get("progress"), on = get("go-on"), first = on?.textContent;
  const sum = () => {
    const done = boxes.filter((box) => box.checked).length;
    bar.hidden = !done;
    bar.firstElementChild.value = done;
    bar.lastElementChild.textContent = `${done} of ${boxes.length} lessons done`;
    for (const part of document.querySelectorAll(".part")) {
      const all = part.querySelectorAll("input[data-lesson]").length, have = part.querySelectorAll("input[data-lesson]:checked").length;
      /** @type {HTMLElement} */ (part.querySelector(".share")).textContent = have ? `${have} of ${all} done` : "";
    }
    // on after the last one that is done; where there is none after it, back to the first that was left out
    const last = boxes.findLastIndex((box) => box.checked), next = boxes.find((box, k) => k > last && !box.checked) ?? boxes.find((box) => !box.checked);
    for (const box of boxes) box.closest("li")?.classList.toggle("upcoming", done > 0 && box == next);
    if (!on) return;
    on.parentElement.hidden = !next;
    const link = next?.closest("li")?.querySelector("a");
    if (link) on.href = link.href;
    on.textContent = done && link ? `Continue with lesson ${next?.dataset.lesson}, ${link.textContent}` : first;
  };
  for (const event of ["change", "storage", "pageshow"]) addEventListener(event, sum);
  sum();
}

if (typeof document != "undefined") start();
