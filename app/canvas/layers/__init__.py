"""What the canvas paints, bottom to top."""
