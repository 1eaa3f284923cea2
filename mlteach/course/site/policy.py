"""What a browser is told to refuse on a page, whatever stands on it: the Content-Security-Policy."""

import base64
import hashlib


def policy(*scripts: str) -> str:
    """The policy of a page whose inline scripts are these, to the letter, and no others.

    The module of an explorer comes as a blob, which only a running script can make. Pictures and fonts stand in the page
    itself; nothing is asked from anywhere, and no form is sent. Styles are allowed, because explorers draw with them:
    they find nothing to ask for.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hashes(scripts)} blob:",
            "script-src-attr 'none'",
            "style-src 'unsafe-inline'",
            "img-src data:",
            "font-src data:",
            "connect-src 'none'",
            "frame-src 'none'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hashes(texts: tuple[str, ...]) -> str:
    sums = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii") for text in texts)
    return " ".join(f"'sha256-{each}'" for each in sums)
