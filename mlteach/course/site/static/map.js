// The search in all lessons, and how many of them are done.

/** @typedef {[page: string, place: string, heading: string, words: string]} Section */

/** Small letters without accents. @param {string} text */
const plain = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

/**
 * The sections that hold every word of the query, the best first: a word in a heading counts more than one in the text,
 * the beginning of a word more than its middle.
 * @param {Section[]} sections @param {string} query @param {number} [most] @returns {Section[]}
 */
export function search(sections, query, most = 30) {
  const wanted = plain(query).split(/\s+/).filter(Boolean);
  if (!wanted.length) return [];
  const points = (/** @type {Section} */ [, , heading, words]) => {
    let sum = 0;
    const head = plain(heading), text = plain(words);
    for (const word of wanted) {
      const here = [head, text].map((t) => (t.includes(word) ? (` ${t}`.includes(` ${word}`) ? 2 : 1) : 0));
      if (!here[0] && !here[1]) return 0;
      sum += 10 * here[0] + here[1];
    }
    return sum + (wanted.length > 1 && text.includes(wanted.join(" ")) ? 5 : 0);
  };
  return sections.map((section) => ({ section, score: points(section) })).filter(({ score }) => score)
    .sort((a, b) => b.score - a.score).slice(0, most).map(({ section }) => section);
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

  const look = () => {
    const found = search(sections, query.value), asked = Boolean(query.value.trim());
    hits.hidden = !asked;
    map.hidden = asked;
    count.textContent = !asked ? "" : found.length ? `${found.length} ${found.length > 1 ? "places" : "place"}` : "Nothing found. Try fewer letters.";
    hits.replaceChildren(...found.map(([page, place, heading, words]) => {
      const item = document.createElement("li"), link = document.createElement("a"), where = document.createElement("span"), text = document.createElement("p");
      link.href = page + (place && `#${encodeURIComponent(place)}`);
      link.append(...marked(heading, query.value));
      where.className = "soft";
      where.textContent = place ? ` · ${titles.get(page)}` : "";
      text.append(...marked(excerpt(words, query.value), query.value));
      item.append(link, where, text);
      return item;
    }));
  };
  query.addEventListener("input", look);
  get("search").addEventListener("submit", (/** @type {Event} */ event) => { event.preventDefault(); hits.querySelector("a")?.focus(); });
  addEventListener("keydown", (event) => {
    if (event.key == "/" && document.activeElement != query) { event.preventDefault(); query.focus(); }
    if (event.key == "Escape" && query.value) { query.value = ""; look(); query.focus(); }
  });
  look(); // a browser that goes back fills the field again

  const boxes = [...document.querySelectorAll("input[data-lesson]")], bar = get("progress");
  const sum = () => {
    const done = boxes.filter((box) => /** @type {HTMLInputElement} */ (box).checked).length;
    bar.hidden = !done;
    bar.firstElementChild.value = done;
    bar.lastElementChild.textContent = `${done} of ${boxes.length} lessons done`;
  };
  for (const event of ["change", "storage", "pageshow"]) addEventListener(event, sum);
  sum();
}

if (typeof document != "undefined") start();
