"""virtio-rtc for virtmig: `state` declares what is saved, `live` implements the hooks."""
