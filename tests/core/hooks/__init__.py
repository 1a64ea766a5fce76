"""Finding drivers, and holding them to their contract."""
