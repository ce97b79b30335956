"""The simulation: tables, lowering, kernels, runs."""
