"""What a load costs, beside one hand-written script for the same tables (`make bench`).

Belongs here: making the load, measuring it, rendering `docs/performance.md`.
Does not: anything the pipeline needs.
"""
