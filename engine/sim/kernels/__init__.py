"""Compiled loops over bare arrays; one idea a file."""
