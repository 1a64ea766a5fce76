"""Tests of the conformance kit: it passes good plugins, and names what is wrong with others."""
