"""`python -m virtmig`: the same as the `virtmig` command."""

from virtmig.cli.main import run

if __name__ == "__main__":
    run()
