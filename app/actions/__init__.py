"""The table of actions and the registry that makes them."""
