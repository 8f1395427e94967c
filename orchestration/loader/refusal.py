"""Why a file is not loaded.

Belongs here: the refusal itself. Does not: what is done with a refused file (`file_load.py`).
"""


class Refused(Exception):
    """A delivered file cannot be loaded; it is discarded under its reason code.

    `code` is a reason code of the landing contract, `message` a sentence a provider can act on:
    what is wrong, where, what to do. Faults of the machine (a full disk, a missing permission) are
    never a Refused: they stay OSError or duckdb.IOException, and the file stays due.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
