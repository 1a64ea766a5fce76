"""Records and their bytes, with records made up for the test: no virtio here."""
