"""`python -m orchestration`: the command line of `cli.py`."""

from orchestration.cli import cli

if __name__ == "__main__":
    cli(prog_name="python -m orchestration")
