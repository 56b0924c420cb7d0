"""What decides samples: the catalogue, its weights, the one shuffle by user, and its tasks."""
