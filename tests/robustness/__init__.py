"""What goes wrong, and what the course says: one table of cases, which is tested and of which the documentation is made.

A module ``rows_*.py`` here holds cases; each is a function with the decorator `case`. ``python -m tests.robustness``
writes docs/what_goes_wrong.md from them, and test_rows.py runs every one and holds the document against the table.
"""
