"""One explorer on a page, in either home: what it shows, what it says, and hands that move it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.browser.chromium import accessible
from tests.browser.engine import CHANGED, PLACE
from tests.browser.explorers import Drag, Keys

_CUT_OFF = """
(root) => {
  const wrong = [], out = (a, b) => a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1;
  const meets = (a, b) => a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top;  // beside it, nobody sees it
  if (root.scrollWidth > root.clientWidth) wrong.push(`${root.scrollWidth} px of content in ${root.clientWidth} px`);
  for (const text of root.querySelectorAll("svg text")) {
    const box = text.getBoundingClientRect(), frame = text.ownerSVGElement.getBoundingClientRect();
    if (meets(box, frame) && out(box, frame)) wrong.push(`"${text.textContent}" sticks out of its picture`);
  }
  return wrong;
}
"""
_WIDEN = """
(root, width) => {
  for (let box = root; box && box !== document.body; box = box.parentElement) box.style.maxWidth = "none";
  root.style.width = `${width}px`;
}
"""
# Whole, and under no bar: what is at the middle of each edge of the picture is the picture.
_IN_SIGHT = """
(root) => {
  const control = document.activeElement, picture = root.querySelector(".mlx-picture svg, .mlx-picture canvas") ?? root.querySelector("svg, canvas, .mlx-picture");
  if (!picture) return false;
  const seen = (node) => {
    const { left, top, width, height } = node.getBoundingClientRect();
    return [[0.5, 0.02], [0.5, 0.98]].every(([a, b]) => {
      const at = document.elementFromPoint(left + a * width, top + b * height);
      return at && (node.contains(at) || at.contains(node) && root.contains(at));
    });
  };
  return seen(control) && (picture.contains(control) || seen(picture));
}
"""


class View:
    """An explorer's frame on a page."""

    def __init__(self, page: Any, root: Any) -> None:
        self.page, self.root = page, root
        root.locator(".mlx-summary").wait_for()

    @property
    def summary(self) -> str:
        return str(self.root.locator(".mlx-summary").text_content())

    @property
    def picture(self) -> str:
        """A text that differs whenever the picture differs."""
        return str(self.root.evaluate("root => window.picture(root)"))

    def changes(self, act: Callable[[], Any], what: str = "what was done") -> None:
        """Fail unless ``act`` changes the picture, which then stands still; a failure says ``what`` did not."""
        before = self.picture
        act()
        self.root.evaluate(CHANGED, [before, what])

    def settled(self) -> None:
        """Wait until the picture stands still."""
        self.root.evaluate(CHANGED, [None, "nothing"])

    def key(self, keys: Keys) -> None:
        self.root.get_by_label(keys.label, exact=True).focus()
        for name in keys.press:  # a hand on the keyboard looks for the control once
            self.page.keyboard.press(name)

    def drag(self, drag: Drag) -> None:
        """By mouse: down, a few moves, up."""
        x, y = self._grip(drag)
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + drag.by[0], y + drag.by[1], steps=6)
        self.page.mouse.up()

    def touch(self, drag: Drag) -> None:
        """With a finger, another way than the mouse went. Fails when the page takes the finger for scrolling."""
        x, y = self._grip(drag)
        right, down = (-drag.by[0], 0) if drag.sideways else drag.by[::-1]
        self.page.evaluate("() => { window.lost = 0; addEventListener('pointercancel', () => { lost++; }); }")
        scrolled = self.page.evaluate("() => scrollY")
        send = self.page.context.new_cdp_session(self.page).send

        def finger(kind: str, *points: tuple[float, float]) -> None:
            send(
                "Input.dispatchTouchEvent",
                {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]},
            )

        finger("touchStart", (x, y))
        for part in (0.2, 0.4, 0.6, 0.8, 1.0):
            finger("touchMove", (x + part * right, y + part * down))
        finger("touchEnd")
        after = self.page.evaluate("() => [scrollY, lost]")
        assert after == [scrolled, 0], f"the page took the finger for scrolling: {scrolled}, {after}"

    def _grip(self, drag: Drag) -> tuple[float, float]:
        x, y, width, height = self.root.get_by_label(drag.label, exact=True).evaluate(PLACE)
        return x + drag.at[0] * width, y + drag.at[1] * height

    def sound(self) -> None:
        """Fail when the explorer shows an error, or when something in it is cut off."""
        assert not self.root.locator(".mlx-error:visible").count(), self.root.locator(
            ".mlx-error"
        ).inner_text()
        assert not (wrong := self.root.evaluate(_CUT_OFF)), wrong

    def widen(self, width: int) -> None:
        """Make the card ``width`` pixels wide, whatever the page around it."""
        self.root.evaluate(_WIDEN, width)
        self.settled()

    def tall(self) -> int:
        return int(self.root.evaluate("root => root.offsetHeight"))

    def in_sight(self, label: str) -> bool:
        """Whether a control and the picture it moves are on the screen together, once the control has the focus."""
        self.root.get_by_label(label, exact=True).focus()
        return bool(self.root.evaluate(_IN_SIGHT))

    def accessible(self) -> None:
        """Fail when axe-core finds anything in the explorer, at any level."""
        accessible(self.page, f'[aria-labelledby="{self.root.get_attribute("aria-labelledby")}"]')

    def keep_picture(self, path: Path) -> None:
        """A screenshot of the whole explorer, without what a page puts over it."""
        self.root.screenshot(path=path, style="header { visibility: hidden }")
