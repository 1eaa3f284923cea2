// Predictions: what answers one is covered until the reader says a guess. Without this file nothing is covered.

/** @param {HTMLElement} question  a `.guess` with the number and the key of its prediction */
function prediction(question) {
  const { guess = "", key = "" } = question.dataset;
  const store = `guess.${document.querySelector("[data-lesson]")?.getAttribute("data-lesson")}.${key}`;
  const answers = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(`.covered[data-covers="${guess}"]`)]);
  const buttons = /** @type {HTMLButtonElement[]} */ ([...question.querySelectorAll(":is(.choices, .say) button")]);
  const chosen = Boolean(question.querySelector(".choices"));
  /** @type {HTMLElement | undefined} */ let yours;
  const again = document.createElement("p"), cover = document.createElement("button");
  again.className = "again";
  cover.type = "button";
  cover.textContent = "Cover the answer again";
  again.append(cover);
  question.append(again);

  /** @param {string | null} said  the guess; null: none yet */
  const show = (said) => {
    const open = said != null;
    for (const each of answers) {
      each.classList.toggle("open", open);
      /** @type {HTMLElement} */ (each.querySelector(".under")).inert = !open;
    }
    for (const button of buttons) {
      if (chosen) button.setAttribute("aria-pressed", String(open && button.textContent == said));
      else /** @type {HTMLElement} */ (button.parentElement).hidden = open;
    }
    again.hidden = !open;
    yours?.remove();
    const mine = chosen ? buttons.find((button) => open && button.textContent == said) : undefined;
    if (!mine) return;
    yours = document.createElement("p");
    yours.className = "yours";
    const words = document.createElement("b");
    words.append(...[...mine.childNodes].map((node) => node.cloneNode(true)));
    yours.append("Your guess: ", words);
    answers[0].prepend(yours);
  };

  for (const button of buttons) {
    button.addEventListener("click", () => {
      const said = chosen ? button.textContent ?? "" : "said";
      memory.write(store, said);
      show(said);
      // Where the reader goes on. What stands above the answer, such as the code, stays where it is.
      const first = answers[0];
      first.tabIndex = -1;
      first.focus({ preventScroll: true });
      if (first.getBoundingClientRect().top > innerHeight - 120) first.scrollIntoView({ block: "nearest" });
    });
  }
  cover.addEventListener("click", () => {
    memory.write(store, "");
    show(null);
    buttons[0].focus({ preventScroll: true });
  });
  show(memory.read(store) || null);
}

for (const question of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".guess[data-guess]"))) prediction(question);

// A link into an answer that is covered leads to its cover, which says so.
const land = () => {
  const cover = document.querySelector(":target")?.closest(".covered:not(.open)"), link = /** @type {HTMLElement | null | undefined} */ (cover?.querySelector(".note a"));
  if (!cover || !link) return;
  link.focus({ preventScroll: true });
  cover.scrollIntoView({ block: "nearest" });
};
addEventListener("hashchange", land);
addEventListener("load", () => setTimeout(land)); // the browser has gone there by then
