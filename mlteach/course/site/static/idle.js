// Long work in short pieces. Whoever has more to do awaits `idle()` between two parts: hands, keys and pictures go first.

let since = -Infinity;
/** Resolves at once for some milliseconds, then when the browser has nothing else to do. A page that nobody sees need not wait. */
async function idle() {
  if (document.hidden || performance.now() - since < 25) return;
  await new Promise((free) => { "requestIdleCallback" in window ? requestIdleCallback(free, { timeout: 100 }) : setTimeout(free); });
  since = performance.now();
}
