"""Whether a page runs only what is ours and asks for nothing."""

import base64
import hashlib
import re
from html.parser import HTMLParser

from mlteach.course.site.exporter import file, program


class Harm(HTMLParser):
    """What a page has that runs or asks, read anew by another reader than the one that wrote it, with a list of its own."""

    ELEMENTS = ("script", "style", "iframe", "frame", "object", "embed", "applet", "meta", "base", "link", "form", "svg", "input", "button", "video", "audio", "source", "template")  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in self.ELEMENTS:
            self.found.append(f"<{tag}>")
        for key, value in attributes:
            text = re.sub(r"[\s\x00-\x20]", "", value or "").lower()
            bad = key.startswith("on") or key in (
                "srcset",
                "srcdoc",
                "action",
                "ping",
                "background",
                "poster",
            )
            bad = bad or (
                "href" in key and not text.startswith(("https://", "http://", "#", "mailto:", "98_"))
            )
            bad = bad or (key == "src" and not text.startswith("data:image/"))
            bad = bad or (
                key == "style" and any(each in text for each in ("url", "image", "\\", "expression", "fixed"))
            )
            if bad:
                self.found.append(f"{key}={value}")


def harm(html: str) -> list[str]:
    look = Harm()
    look.feed(html)
    look.close()
    return look.found


OURS = [file(name) for name in ("early.js", "numbers.js", "page.js", "map.js")]
OURS += [
    program(),
    file("idle.js") + file("host.js"),
    file("idle.js") + file("layout.js") + file("deck.js"),
    file("numbers.js") + file("plane.js"),
]  # one module of a lesson, one of the map


def assert_sealed(html: str) -> None:
    """Its scripts are ours and data; its policy lets those run; besides, nothing in it runs or asks."""
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", html, re.S)
    running = [text for about, text in scripts if "application/json" not in about]
    assert len(running) == 4 and set(running) <= set(OURS)
    (head,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', html)
    assert html.index("http-equiv") < html.index("<script")
    for text in running:
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in head
    assert "unsafe-eval" not in head and "'unsafe-inline'" not in head.partition("style-src")[0]
    bare = re.sub(r"<(script|style|header|svg)\b.*?</\1>", "", html, flags=re.S)
    body = bare.partition("<body>")[2]
    body = re.sub(r'<label[^>]*><input type="checkbox"[^>]*>|<button type="button"[^>]*>|<form (role="search"|method="dialog")[^>]*>|<input type="search"[^>]*>|<button>Close', "", body)  # fmt: skip
    assert [each for each in harm(body) if not re.fullmatch(r"href=(index|\d\d_\w+)\.html(#.*)?", each)] == []
