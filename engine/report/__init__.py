"""Documents and pictures that need no screen."""
