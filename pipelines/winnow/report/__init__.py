"""One self-contained HTML page per release: what its audit found, in figures and pictures."""
