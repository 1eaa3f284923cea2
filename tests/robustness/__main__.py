"""Write docs/what_goes_wrong.md."""

from tests.robustness.table import DOCUMENT, cases, document

DOCUMENT.write_text(document(), encoding="utf-8")
print(f"Wrote {DOCUMENT.name}: {len(cases())} cases.")
