"""The documentation says what the code does: its commands run, its references are complete."""
