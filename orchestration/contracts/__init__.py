"""What each feed delivers, and how its files are read: the contracts of the dbt sources file."""

from orchestration.contracts.checks import ContractError
from orchestration.contracts.model import LOADER_COLUMNS, Column, Contract, feed_names
from orchestration.contracts.reading import load_contracts

__all__ = [
    "LOADER_COLUMNS",
    "Column",
    "Contract",
    "ContractError",
    "feed_names",
    "load_contracts",
]
