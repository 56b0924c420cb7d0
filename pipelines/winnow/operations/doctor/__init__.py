"""What is wrong with this machine or a warehouse, and what can be repaired."""
