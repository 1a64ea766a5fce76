"""Helpers for tests of plugins: states drawn from the declarations (needs `virtmig[testing]`)."""
