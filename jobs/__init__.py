"""The executables: one module per command."""
