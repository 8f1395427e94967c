"""Who a row is about.

Belongs here: the feed whose rows are people. Does not: what is done with their rows.
"""

PERSON_FEED = "customers"
