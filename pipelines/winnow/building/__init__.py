"""One build: inputs, stages, audit, summary, progress."""
