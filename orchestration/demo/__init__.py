"""Demo data: a shop's deliveries, made from a seed, with labelled faults if wanted.

Belongs here: everything that makes files for `landing/` up. Same arguments, same bytes.
Does not: reading files, or any rule of the warehouse: what is wrong with a planted fault is
written in its label, not computed by the code that is being tested.
"""

from orchestration.demo.deliveries import (
    DEFAULT_DAYS,
    DEFAULT_ORDERS,
    DEFAULT_SEED,
    DEFAULT_START,
    FAULT_GROUPS,
    DemoSummary,
    generate,
)

__all__ = [
    "DEFAULT_DAYS",
    "DEFAULT_ORDERS",
    "DEFAULT_SEED",
    "DEFAULT_START",
    "FAULT_GROUPS",
    "DemoSummary",
    "generate",
]
