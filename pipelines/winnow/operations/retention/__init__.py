"""What stays and what may go: tags, expiry, files that no release pins, staging of dead runs."""
