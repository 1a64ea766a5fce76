"""Tests of what a stream may be wrapped in."""
