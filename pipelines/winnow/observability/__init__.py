"""What is told to others of how a build ended: metrics, lineage, a command on failure."""
