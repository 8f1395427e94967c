"""The dashboard: what a merchant opens in the morning, on the published copy.

A package of its own beside `orchestration/`: it only reads what is published, and nothing that
loads, builds or publishes knows of it.
"""
