"""Slow twins: each kernel once more, in obvious lines."""
