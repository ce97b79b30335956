"""The drawing surface."""
