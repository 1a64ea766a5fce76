"""virtio-gpu for virtmig: `live` has the device's hooks, `vga` the section of virtio-vga."""
