"""Settings of Hypothesis for all tests of the core."""

from __future__ import annotations

from hypothesis import settings

# No deadline: a test is never wrong for being slow on a busy machine. No database: a failure is
# printed with what repeats it, and nothing is left in the working tree.
settings.register_profile("virtmig", deadline=None, database=None)
settings.load_profile("virtmig")
