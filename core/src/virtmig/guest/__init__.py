"""Guest memory by guest physical address, and the rings in it."""
