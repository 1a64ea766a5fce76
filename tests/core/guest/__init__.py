"""Tests of guest memory."""
