// Brings stored explorers to life on a page without a kernel: a host for anywidgets (anywidget.dev, the AFM interface).
// The page holds their state as JSON in the script #explorers; each figure with data-model becomes one view of a model.

/**
 * @typedef {{kind: string, module: number, state: Record<string, any>, buffers: Record<string, string>}} Stored
 * @typedef {{base?: string, modules: string[], models: Record<string, Stored>, moves?: Record<string, any>}} Store
 * @typedef {(...values: any[]) => void} Listener
 */

/** Bytes from base 64, as a kernel would send them. @param {string} text @returns {DataView} */
export function bytes(text) {
  return new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

/** Whether a trait would not change. @param {any} a @param {any} b */
const same = (a, b) =>
  Object.is(a, b) || (typeof a == "object" && typeof b == "object" && !ArrayBuffer.isView(a) && JSON.stringify(a) === JSON.stringify(b));

/** The state of one explorer. All its views share it, and hear of every change. */
export class Model {
  /** @type {Map<string, Set<Listener>>} */ #listeners = new Map();
  /** @type {Record<string, any>} */ #state;

  /** @param {Stored} stored @param {(id: string) => Promise<Model>} find  another model of the page */
  constructor({ state, buffers }, find) {
    this.#state = { ...state };
    for (const [key, text] of Object.entries(buffers)) this.#state[key] = bytes(text);
    this.widget_manager = { get_model: (/** @type {string} */ id) => find(id.replace(/^IPY_MODEL_/, "")) };
  }
  /** The names of its traits. */
  keys() { return Object.keys(this.#state); }
  /** @param {string} key */
  get(key) { return this.#state[key]; }
  /** Several at once are all set before anyone hears of them. @param {string | Record<string, any>} key @param {any} [value] */
  set(key, value) {
    const news = Object.entries(typeof key == "string" ? { [key]: value } : key).filter(([name, now]) => !same(this.#state[name], now));
    Object.assign(this.#state, Object.fromEntries(news));
    for (const [name, now] of news) this.#tell(`change:${name}`, this, now);
    if (news.length) this.#tell("change", this);
  }
  /** Without a kernel there is nobody to save for. */
  save_changes() {}
  /** Nor to talk to. */
  send() {}
  /** @param {string} event @param {Listener} listener */
  on(event, listener) {
    for (const each of event.split(" ")) {
      if (!this.#listeners.has(each)) this.#listeners.set(each, new Set());
      this.#listeners.get(each)?.add(listener);
    }
  }
  /** @param {string | null} [event] @param {Listener | null} [listener] */
  off(event, listener) {
    for (const [name, listeners] of this.#listeners) {
      if (event && !event.split(" ").includes(name)) continue;
      if (listener) listeners.delete(listener); else listeners.clear();
    }
  }
  /** @param {string} event @param {...any} values */
  #tell(event, ...values) { for (const listener of [...this.#listeners.get(event) ?? []]) listener(...values); }
}

/**
 * A host for all explorers of a page.
 * @param {Store} store
 * @param {(script: string) => Promise<any>} [load]  imports a module from its text
 */
export function host(store, load = fromText) {
  /** @type {Map<number, Promise<any>>} */ const modules = new Map();
  /** @type {Map<string, {model: Model, ready: Promise<any>}>} */ const models = new Map();
  const experimental = { invoke: async () => { throw new Error("There is no kernel on this page."); } };

  /** @param {number} number */
  function widget(number) {
    if (!modules.has(number)) {
      modules.set(number, load((store.base ?? "") + store.modules[number]).then(({ default: made }) => (typeof made == "function" ? made() : made)));
    }
    return modules.get(number);
  }
  /** @param {string} id */
  function find(id) {
    let found = models.get(id);
    if (!found) {
      const stored = store.models[id];
      if (!stored) throw new Error(`Its state is not stored on this page (${id}).`);
      const model = new Model(stored, async (other) => find(other).model);
      const ready = (async () => {
        const definition = await widget(stored.module);
        await definition.initialize?.({ model, signal: new AbortController().signal, experimental });
        return definition;
      })();
      models.set(id, found = { model, ready });
    }
    return found;
  }
  /**
   * Shows a view of model `id` in `el`; resolves to a function that takes it down.
   * @param {string} id @param {HTMLElement} el @returns {Promise<() => Promise<void>>}
   */
  async function show(id, el) {
    const control = new AbortController(), { model, ready } = find(id), definition = await ready;
    const cleanup = await definition.render?.({ model, el, signal: control.signal, experimental });
    return async () => { control.abort(); await cleanup?.(); el.replaceChildren(); };
  }
  return { show, model: (/** @type {string} */ id) => find(id).model, kind: (/** @type {string} */ id) => store.models[id]?.kind ?? "" };
}

/** @param {string} script */
async function fromText(script) {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  try { return await import(url); } finally { URL.revokeObjectURL(url); }
}

/** Whether a reader sees it or is about to: a slide that is shown, what is in the window or a little below. @param {Element} part */
const near = (part) => part.closest(".slide")?.matches(".now") ?? part.getBoundingClientRect().top < 1.5 * innerHeight;

/**
 * Brings every explorer of the document to life: those that are seen at once, the others from the top in moments in which
 * the browser has nothing else to do, as it lays out the cells that wait for it (`from-top` in page.css). One that fails says
 * so, above its picture. `document.documentElement.dataset.explorers` is "here" when those that are seen are alive, and
 * "ready" when all are; an event "explorers" tells of both.
 * @returns {Promise<ReturnType<typeof host> | undefined>}
 */
export async function revive() {
  const text = document.querySelector("script#explorers")?.textContent;
  const alive = host(text ? JSON.parse(text) : { modules: [], models: {} });
  const figures = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("figure[data-model]")]);
  for (const figure of figures) figure.dataset.kind = alive.kind(figure.dataset.model ?? "");
  /** @param {HTMLElement} figure */
  async function start(figure) {
    const el = document.createElement("div"), model = figure.dataset.model ?? "";
    figure.prepend(el);
    try {
      await alive.show(model, el);
      Object.assign(figure, { explorer: alive.model(model) }); // for whoever wants to look or to steer
      figure.dataset.alive = figure.dataset.kind;
    } catch (problem) {
      el.replaceChildren();
      const said = document.createElement("p");
      said.className = "failed";
      said.setAttribute("role", "alert");
      said.textContent = `This explorer did not start, so here is its picture. ${problem instanceof Error ? problem.message : problem}`;
      el.append(said);
      figure.dataset.failed = "";
      console.error(problem);
    }
  }
  /** @param {"here" | "ready"} what */
  const tell = (what) => {
    document.documentElement.dataset.explorers = what;
    document.dispatchEvent(new Event("explorers"));
  };
  const seen = figures.filter(near);
  for (const figure of seen) await start(figure);
  tell("here");
  // In the order of the page, so that nothing above what is read changes its height later on. Cells are laid out eight at
  // a time: each time the browser looks at the whole page.
  let cells = 0;
  for (const part of document.querySelectorAll(".from-top article > :nth-child(n + 8), figure[data-model]")) {
    if (part instanceof HTMLElement && part.matches("figure")) {
      if (seen.includes(part)) continue;
      await idle();
      await start(part);
    } else {
      await idle();
      part.classList.add("laid");
      if (++cells % 8 == 0) part.getBoundingClientRect(); // now, while there is time for it
    }
  }
  // Two of one kind on a page: of landmarks of one name a screen reader's user could not tell which is which.
  /** @type {Map<string, number>} */ const names = new Map();
  for (const each of document.querySelectorAll(".mlx[aria-labelledby]")) {
    const name = document.getElementById(each.getAttribute("aria-labelledby") ?? "")?.textContent ?? "", count = (names.get(name) ?? 0) + 1;
    names.set(name, count);
    if (count == 1) continue;
    each.setAttribute("aria-label", `${name}, number ${count}`);
    each.removeAttribute("aria-labelledby");
  }
  tell("ready");
  return alive;
}

if (typeof document != "undefined") await revive();
