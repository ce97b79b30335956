"""Kernels that turn arrays into pixels."""
