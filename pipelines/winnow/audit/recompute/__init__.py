"""How it is known again: from the logs, without the sampler."""
