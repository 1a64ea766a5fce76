"""Tests of the room `repairing`."""
