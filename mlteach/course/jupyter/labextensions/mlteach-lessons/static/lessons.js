// A lesson in JupyterLab: cells are marked by what they ask of the reader, and the contents are open the first time.
//
// Written as JupyterLab loads it (a container of module federation), so it needs no build. What JupyterLab has already
// loaded is taken from the scope it shares.

(() => {
  const here = document.currentScript.src;
  /** @type {Record<string, Record<string, { get: () => Promise<() => any> }>>} */
  let shared = {};
  const library = async (/** @type {string} */ name) => (await Object.values(shared[name])[0].get())();

  /** What a cell asks of the reader: its tag, or how its text begins. @param {any} model */
  function kind(model) {
    const tags = model.getMetadata("tags") ?? [], source = model.sharedModel.getSource().trimStart();
    if (tags.includes("exercise")) return "exercise";
    if (model.type == "markdown") return source.startsWith("**Predict.**") ? "prediction" : /^#+ Your turn\b/.test(source) ? "exercise" : "";
    return /^check\(/m.test(source) ? "check" : "";
  }

  /** @param {any} panel */
  function mark(panel) {
    for (const cell of panel.content.widgets) {
      const is = kind(cell.model);
      if (is) cell.node.dataset.lesson = is; else delete cell.node.dataset.lesson;
    }
  }

  /** What the kernel says of itself, which JupyterLab writes into a notebook, leaves it as saved as it was. @param {any} model */
  function staysSaved(model) {
    const essence = () => {
      const { metadata: { language_info, kernelspec, ...rest }, ...content } = model.toJSON();
      return JSON.stringify([content, rest]);
    };
    const before = essence();
    const look = () => {
      if (!model.dirty) return;
      if (essence() == before) model.dirty = false; else model.stateChanged.disconnect(look);
    };
    model.stateChanged.connect(look);
    look();
  }

  /** @param {any} app @param {any} notebooks */
  function activate(app, notebooks) {
    document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("lessons.css", here).href }));
    notebooks.widgetAdded.connect((/** @type {any} */ _, /** @type {any} */ panel) => panel.context.ready.then(() => {
      mark(panel);
      staysSaved(panel.content.model);
      panel.content.model.cells.changed.connect(() => requestAnimationFrame(() => panel.isDisposed || mark(panel)));
      panel.content.activeCellChanged.connect(() => mark(panel)); // what is typed may make a cell another
      if (localStorage.getItem("mlteach:contents")) return;
      localStorage.setItem("mlteach:contents", "shown"); // from now on as the reader leaves it
      app.restored.then(() => app.commands.execute("toc:show-panel"));
    }));
  }

  const globals = /** @type {any} */ (window);
  (globals._JUPYTERLAB ??= {})["mlteach-lessons"] = {
    init: (/** @type {any} */ scope) => { shared = scope; },
    get: async () => {
      const { INotebookTracker } = await library("@jupyterlab/notebook");
      return () => ({ __esModule: true, default: { id: "mlteach-lessons:plugin", autoStart: true, requires: [INotebookTracker], activate } });
    },
  };
})();
