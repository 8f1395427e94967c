"""The ordeal: random streams of events, after which gold may not depend on how they came.

Belongs here: making streams (`shop.py`, `streams.py`), running them (`bench.py`), comparing what
came of them (`comparison.py`, `sequence.py`), the command line. Does not: hand-written cases.
"""
