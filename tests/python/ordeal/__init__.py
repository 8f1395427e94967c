"""The ordeal: random streams of events, after which gold may not depend on how they came.

Belongs here: making streams (`shop.py`, `streams.py`), making them happen (`workshop.py`),
comparing what came of them (`sequence.py`, `comparison.py`, `shrinking.py`), the command line. Does
not: hand-written cases.
"""
