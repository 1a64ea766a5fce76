"""A harness that runs real QEMU with real guests, and the tests that need it."""
