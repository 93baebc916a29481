"""Places where notices go."""
