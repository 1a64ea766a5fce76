"""virtio-balloon for virtmig: `state` declares what is saved, `live` the hooks."""
