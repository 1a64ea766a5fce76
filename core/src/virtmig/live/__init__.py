"""Live devices: the only mutable corner. `VirtioState` ⇄ objects, hook by hook."""
