"""What the user has drawn: the only mutable model."""
