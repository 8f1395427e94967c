"""Orderhouse's Python: everything around dbt. Nothing happens at import."""
