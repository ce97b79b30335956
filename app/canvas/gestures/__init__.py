"""One class per mouse gesture."""
