"""CSV and JSON lines: shape, columns and rows, a bad line for itself."""
