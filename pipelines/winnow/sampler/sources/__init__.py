"""The sources of draws, one file each: the groups of the catalogue that they draw from."""
