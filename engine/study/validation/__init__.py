"""Predictions beside published measurements: the shipped table, scores, plots and the page."""
