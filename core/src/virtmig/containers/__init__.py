"""What a stream may be wrapped in: each kind of file in a class, told by its first bytes."""
