"""What a staged release must prove before it is published."""
