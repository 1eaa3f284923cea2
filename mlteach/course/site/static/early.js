// Before the first paint: the theme that was chosen here, else the system's. A browser that keeps nothing still works.
// And a page that is opened at its top need not lay out at once what is below; one that is opened elsewhere must, to be there.
{
  let kept = null;
  try { kept = localStorage.getItem("mlteach.theme"); } catch { /* storage is blocked */ }
  const dark = kept ? kept == "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.documentElement.classList.add("script");
  const [how] = performance.getEntriesByType("navigation");
  if (!location.hash && how?.type == "navigate") document.documentElement.classList.add("from-top");
}
