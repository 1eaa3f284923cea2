// A stopwatch for one explorer on a page: from the key press to the frame with a new picture. Made for explorers.py.
//
// A frame is: callbacks of requestAnimationFrame, style, layout, paint. The first callback notes its beginning; a message
// posted there is handled right after the paint. Rasterising and the screen's own delay come later still, for everyone.

{
  const channel = new MessageChannel(), waiting = [];
  channel.port1.onmessage = () => waiting.shift()();
  /** Run `f` as a task of its own, after what runs now and after a paint that is due. */
  const post = (f) => { waiting.push(f); channel.port2.postMessage(0); };

  let root = null, run = null, frame = 0, open = false;

  const loop = () => {
    const number = ++frame, start = performance.now();
    open = true;
    post(() => {
      open = false;
      if (!run?.drawn || number < run.frame) return;
      const now = performance.now(), { asked, begin, handled } = run;
      run.done({ shown: now - asked, work: Math.min(handled, start) - begin + now - start, late: run.frame - run.first - 1 });
      run = null;
    });
    requestAnimationFrame(loop);
  };

  /** The picture has changed: it is in this frame if one is open, else in the next. */
  const changed = () => {
    if (!run?.begin || run.drawn) return;
    run.drawn = performance.now();
    run.frame = frame + (open ? 0 : 1);
  };

  addEventListener("keydown", (event) => {
    if (!run || run.begin) return;
    Object.assign(run, { asked: event.timeStamp, begin: performance.now(), first: frame });
    post(() => { if (run) run.handled = performance.now(); });
  }, true);

  // Ink on a canvas leaves no trace in the document.
  for (const name of ["fill", "stroke", "fillRect", "clearRect", "drawImage", "putImageData", "fillText"]) {
    const draw = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...all) {
      draw.apply(this, all);
      if (root?.contains(this.canvas)) changed();
    };
  }

  window.stopwatch = {
    /** Watch the picture in `element`; `kind` is "drawing" (SVG and canvas, else all there is) or "image". */
    watch(element, kind) {
      root = element;
      if (kind === "image") root.addEventListener("load", changed, true);
      else {
        const part = root.querySelector("svg, canvas") ? "svg, canvas" : "*";
        new MutationObserver((all) => {
          if (all.some(({ target }) => (target.nodeType === 1 ? target : target.parentElement)?.closest(part))) changed();
        }).observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
      }
      if (!frame) requestAnimationFrame(loop);
    },
    /** Ready for one key press. */
    arm() { run = null; this.result = new Promise((done, failed) => {
      run = { done };
      setTimeout(() => failed(new Error("no new picture within five seconds")), 5000);
    }); },
  };
}
