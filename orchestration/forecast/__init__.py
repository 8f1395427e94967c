"""What will be sold: daily units and amounts per category, with intervals tested on the past.

Belongs here: the method (`method.py`), the two tables in gold (`tables.py`), and the step that
writes them (`step.py`). Does not: what was sold (`models/gold/`).
"""
