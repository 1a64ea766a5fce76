"""vhost-user devices for virtmig: `state` declares what is saved, `live` the hooks."""
