"""What plugins implement, and how the core finds and calls exactly one of them."""
