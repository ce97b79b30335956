"""One edit, one command, on the undo stack."""
