"""What a config will do, said before it runs: in words, and in figures of a date's logs."""
