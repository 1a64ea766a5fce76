"""Tests and their tools, run from the root of the repository."""
