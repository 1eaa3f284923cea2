// Before the first paint: the theme that was chosen here, else the system's. A browser that keeps nothing still works.
{
  let kept = null;
  try { kept = localStorage.getItem("mlteach.theme"); } catch { /* storage is blocked */ }
  const dark = kept ? kept == "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.documentElement.classList.add("script");
}
