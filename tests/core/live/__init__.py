"""The documented procedure on live devices, and what is left of one that failed."""
