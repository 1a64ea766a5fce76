"""virtio-mem for virtmig: `live` has the device's hooks, `early` the section in front of RAM."""
