"""Which items may be drawn on a date, how popular each is, and the table to draw from."""
