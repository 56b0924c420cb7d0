"""How we talk to an engine: where engines differ, broadcasts, passes, memory, scratch folder."""
