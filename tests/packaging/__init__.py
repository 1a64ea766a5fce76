"""What a user gets from `pip install`: wheels in environments with nothing else in them."""
