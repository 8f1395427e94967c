"""Programs that tests run against, and that are not there.

`tests/install_programs.sh` installs them where it can.
"""

import os
from typing import NoReturn

import pytest


def go_without(program: str) -> NoReturn:
    """Skip what needs a program that is missing; under CI, where all must run, it fails."""
    problem = f"There is no {program}, which tests/install_programs.sh could not install."
    if "CI" in os.environ:
        pytest.fail(problem)
    pytest.skip(problem)
