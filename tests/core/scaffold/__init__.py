"""What a plugin is called, and for which cores it is."""
