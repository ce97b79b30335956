"""Background work: one operation, one function."""
