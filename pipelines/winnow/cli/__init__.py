"""The command ``winnow``: options, exit codes, and one module per command."""
