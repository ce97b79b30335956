"""From results to the numbers that people read."""
