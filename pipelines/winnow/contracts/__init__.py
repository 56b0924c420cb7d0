"""Logs in: mapped to their contracts, checked row by row, with every row accounted for."""
