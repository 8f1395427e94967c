"""Forgetting a person everywhere: `erase.py` has the steps in their order."""
