"""What is wrong with plugins: of one distribution (`validate`), and of all together (`doctor`)."""
