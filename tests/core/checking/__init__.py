"""What is wrong with plugins: seen in their files, and shown by importing them apart."""
