"""Many dates: which are stale and why, a plan of what is built, and its builds."""
