"""virtio-scsi for virtmig: `live` has the controller's hooks, `disk` the sections of its disks."""
