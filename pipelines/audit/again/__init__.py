"""What the tables tell, made again from the logs in another way, and compared."""
