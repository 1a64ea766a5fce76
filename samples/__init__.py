"""Two small real streams, what their machines' monitors said, and the script that made them."""
