"""Fits of efficiencies to published measurements; run by `make calibrate`, never by a user."""
