// Code: all of it shown or folded with one press, copied with another; what scrolls can be reached by keys, and only that.

const folds = /** @type {HTMLDetailsElement[]} */ ([...document.querySelectorAll("details.source")]);
const press = /** @type {HTMLButtonElement | null} */ (document.getElementById("code"));
if (press && folds.length) {
  /** As the lesson is written: code open, setup folded. Then "all" or "none", on every page. @param {string | null} wanted */
  const fold = (wanted) => {
    for (const each of folds) {
      if (wanted == "all") each.open = true;
      if (wanted == "none") each.open = false;
    }
    press.textContent = wanted == "all" ? "Hide code" : "Show all code";
  };
  fold(memory.read("code"));
  press.hidden = false;
  press.addEventListener("click", () => {
    // The line that is read stays where it is, though the code above it comes or goes.
    const text = [...document.querySelectorAll("article .text, article h2, article figure")].find((each) => each.getBoundingClientRect().bottom > 60);
    const before = text?.getBoundingClientRect().top ?? 0, wanted = press.textContent == "Hide code" ? "none" : "all";
    memory.write("code", wanted);
    fold(wanted);
    if (text && scrollY) scrollBy({ top: text.getBoundingClientRect().top - before, behavior: "instant" });
  });
}

/** @param {string} text */
async function copy(text) {
  try { await navigator.clipboard.writeText(text); return true; } catch { /* an old browser, or a page that may not */ }
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}

for (const code of document.querySelectorAll(".block > .input, .text .highlight")) {
  let block = code.parentElement;
  if (!block?.matches(".block")) {
    block = document.createElement("div");
    block.className = "block";
    code.replaceWith(block);
    block.append(code);
    code.setAttribute("role", "group");
    code.setAttribute("aria-label", "Code");
  }
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "Copy this code");
  button.addEventListener("click", async () => {
    const done = await copy((code.textContent ?? "").trimEnd());
    button.textContent = done ? "Copied" : "Not copied";
    button.setAttribute("aria-label", button.textContent);
    button.classList.add("done");
    button.focus({ preventScroll: true });
    setTimeout(() => { button.textContent = "Copy"; button.setAttribute("aria-label", "Copy this code"); button.classList.remove("done"); }, 2000);
  });
  button.setAttribute("aria-live", "polite");
  block.append(button);
}

const reach = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0"); else target.removeAttribute("tabindex");
  }
});
for (const each of document.querySelectorAll(".input, .text .highlight, .table, .formula, .printed.columns, .frame")) reach.observe(each);
