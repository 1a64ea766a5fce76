"""The laws, a file for each family. A law is a method: its name, its docstring, its proof."""
