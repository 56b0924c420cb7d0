"""Other ways to do the same work, as someone who knows the tool well would write them."""
