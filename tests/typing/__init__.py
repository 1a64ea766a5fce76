"""What type checkers say of virtmig's API; `tox -e typing` runs mypy and pyright on these files.

An `ignore` comment stands for an error that has to be reported: both checkers complain of one that
is not needed.
"""
