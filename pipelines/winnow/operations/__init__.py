"""What keeps a warehouse in order over months: what may go, what is missing, what is wrong."""
