"""Looks at all slides of an open deck at once, in JavaScript: what is cut off, too small, or seen where it should not be."""

#: What of a slide is cut off or sticks out, for all slides of a deck in one look. A pixel is rounding.
CUT = """() => {
  const wrong = [], probe = document.body.appendChild(document.createElement('div'));
  probe.style.cssText = 'position: absolute; width: 10px; zoom: 2';
  const own = probe.getBoundingClientRect().width < 15;  // WebKit gives a box in its own, zoomed pixels
  probe.remove();
  const place = (each) => {
    let zoom = 1;
    for (let up = each; own && up; up = up.parentElement) zoom *= Number(getComputedStyle(up).zoom) || 1;
    const { left, top, right, bottom } = each.getBoundingClientRect();
    return { left: left * zoom, top: top * zoom, right: right * zoom, bottom: bottom * zoom };
  };
  for (const slide of document.querySelectorAll('.slide')) {
    const body = slide.querySelector('.body'), frame = place(slide), box = place(body);
    const say = (what) => wrong.push(`${slide.id} ${what}`);
    if (frame.right > innerWidth + 1 || frame.bottom > innerHeight + 1) say('is larger than the window');
    if (slide.scrollHeight > slide.clientHeight + 1 || slide.scrollWidth > slide.clientWidth + 1) say(`holds ${slide.scrollWidth} x ${slide.scrollHeight} in ${slide.clientWidth} x ${slide.clientHeight}`);
    if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) say('sticks out');
    for (const each of body.querySelectorAll('*')) {
      if (each.closest('svg, .mlx-summary, math') && !each.matches('math')) continue;
      const style = getComputedStyle(each), scrolls = style.overflowX != 'visible' && style.display != 'inline' && style.position != 'absolute';
      const one = place(each);
      if (one.right == one.left || style.visibility == 'hidden' && !each.closest('.slide:not(.now)')) continue;
      if (scrolls && each.clientWidth > 1 && each.scrollWidth > each.clientWidth + 1) say(`${each.tagName}.${each.className} cuts ${each.scrollWidth} to ${each.clientWidth}`);
      if (each.matches('math, pre, table, img, svg, .mlx') && (one.right > frame.right + 1 || one.bottom > frame.bottom + 1)) say(`${each.tagName} sticks out`);
    }
  }
  return wrong;
}"""
#: Text on slides that is smaller than ``sizes`` [words, code and explorers], in the pixels of a window of 1280 x 720.
SMALL = """(sizes) => {
  const wrong = new Map();
  for (const slide of document.querySelectorAll('.slide')) {
    const texts = document.createTreeWalker(slide.querySelector('.body'), NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const node = texts.currentNode, each = node.parentElement, picture = each.closest('svg');
      if (!node.data.trim() || each.closest('math, sub, sup, title, desc, .mlx-hidden, .visually-hidden, [hidden], .notes')) continue;
      const around = document.createRange();
      around.selectNodeContents(node);
      const box = around.getBoundingClientRect(), style = getComputedStyle(each);
      if (box.width < 2 || box.height < 2 || style.display == 'none' || style.clipPath != 'none') continue;
      let zoom = 1;
      for (let up = each; up; up = up.parentElement) zoom *= Number(getComputedStyle(up).zoom) || 1;
      if (picture?.viewBox?.baseVal?.width) zoom *= picture.clientWidth / picture.viewBox.baseVal.width || 1;
      const size = parseFloat(style.fontSize) * zoom, least = each.closest('pre, code, .mlx') ? sizes[1] : sizes[0];
      if (size < least - 0.05 && !(wrong.get(slide.id)?.[0] <= size)) wrong.set(slide.id, [Number(size.toFixed(1)), node.data.trim().slice(0, 30)]);
    }
  }
  return Object.fromEntries(wrong);
}"""
#: What is wrong with each slide, as [title: what] in words. In pixels of the stage, 1280 by 720.
WRONG = """
() => {
  const wrong = [];
  for (const slide of document.querySelectorAll(".slide")) {
    const frame = slide.getBoundingClientRect(), scale = frame.width / 1280;
    const say = (what) => wrong.push(`slide ${slide.id.slice(6)}, ${slide.querySelector("h1, .title").textContent.trim()}: ${what}`);
    const foot = frame.top + 684 * scale, found = new Set();
    if ("over" in slide.dataset) found.add("is too full: cut it in two");
    const title = slide.querySelector(".title");
    if (title && title.scrollWidth > title.clientWidth) found.add("has too long a title");
    for (const el of slide.querySelectorAll(".body, .body *")) {
      if (el.closest("math, .mlx-hidden, .lean .mlx-title, .lean .mlx-summary, [hidden], details:not([open]) > :not(summary)") && !el.matches("math")) continue;
      const style = getComputedStyle(el), box = el.getBoundingClientRect();
      if (!box.width || !box.height || style.display == "contents") continue;
      const inPicture = el.parentElement.closest("svg"); // it is cut off at the edges of the picture
      if (!inPicture && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > foot + 1)) found.add(`${el.tagName.toLowerCase()} sticks out`);
      if (el.closest(".mlx")) continue;
      if (style.overflowX != "visible" && el.scrollWidth > el.clientWidth + 1) found.add(`${el.className || el.tagName} is cut off`);
      const least = el.closest("pre, code") ? 14 : 16;
      const letters = el.matches("math") || [...el.childNodes].some((each) => each.nodeType == 3 && each.textContent.trim());
      const units = el.getScreenCTM?.(), drawn = units ? Math.hypot(units.a, units.b) / scale : 1, size = parseFloat(style.fontSize) * drawn; // a drawing has units of its own
      if (letters && size < least - 0.1) found.add(`letters of ${size.toFixed(1)}px`);
    }
    found.forEach(say);
  }
  return wrong;
}
"""
#: Opens what is folded, and moves every slider to its end.
ALL_THE_WAY = """
() => {
  for (const each of document.querySelectorAll("details")) each.open = true;
  for (const each of document.querySelectorAll(".mlx input[type=range]")) {
    each.value = each.max;
    each.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
"""
#: What is seen of the slides that are not being shown.
ELSEWHERE = """
() => [...document.querySelectorAll(".slide:not(.now) *")]
  .filter((each) => getComputedStyle(each).visibility == "visible").map((each) => each.outerHTML.slice(0, 60))
"""
