// What links say of themselves, on hover and on focus; and on paper, what is folded away printed at the end.

/** @type {HTMLElement | undefined} */ let told;
const hide = () => { told?.remove(); told = undefined; };
for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("article a[title]"))) {
  const words = link.title;
  link.removeAttribute("title"); // else the browser says it once more
  link.setAttribute("aria-description", words);
  const show = () => {
    hide();
    told = document.createElement("div");
    told.className = "told";
    told.setAttribute("aria-hidden", "true"); // the link has it as its description
    told.textContent = words;
    document.body.append(told);
    const at = link.getClientRects()[0] ?? link.getBoundingClientRect(), own = told.getBoundingClientRect();
    const above = at.top > own.height + 70;
    told.style.left = `${scrollX + Math.max(8, Math.min(at.left, document.documentElement.clientWidth - own.width - 8))}px`;
    told.style.top = `${scrollY + (above ? at.top - own.height - 6 : at.bottom + 6)}px`;
  };
  for (const event of ["pointerenter", "focus"]) link.addEventListener(event, show);
  for (const event of ["pointerleave", "blur"]) link.addEventListener(event, hide);
}
addEventListener("keydown", (event) => { if (event.key == "Escape") hide(); });

addEventListener("beforeprint", () => {
  if (document.querySelector(".appendix")) return;
  const appendix = document.createElement("section"), title = document.createElement("h2");
  appendix.className = "appendix";
  title.textContent = "Hints, solutions and answers";
  appendix.append(title);
  let count = 0, heading = "";
  for (const each of document.querySelectorAll("article :is(h2, h3, .text details:not([open]))")) {
    if (!(each instanceof HTMLDetailsElement)) { heading = [...each.childNodes].filter((node) => !(node instanceof Element && node.matches(".anchor"))).map((node) => node.textContent).join(""); continue; }
    const summary = each.querySelector("summary");
    if (!summary) continue;
    const part = document.createElement("div"), name = document.createElement("h3"), copy = /** @type {HTMLElement} */ (each.cloneNode(true));
    copy.querySelector("summary")?.remove();
    for (const named of copy.querySelectorAll("[id]")) named.removeAttribute("id");
    summary.dataset.at = String(++count);
    each.classList.add("elsewhere");
    name.textContent = `${count}. ${heading}: ${summary.textContent}`;
    part.append(name, ...copy.childNodes);
    part.className = "text";
    appendix.append(part);
  }
  if (count) document.querySelector("article")?.append(appendix);
});
addEventListener("afterprint", () => {
  document.querySelector(".appendix")?.remove();
  for (const each of document.querySelectorAll(".elsewhere")) each.classList.remove("elsewhere");
});
