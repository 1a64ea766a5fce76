"""Two streams held against each other: what their devices say differently, and what that means."""
