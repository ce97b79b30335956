"""Many runs: predictions of measured cells, calibration, validation."""
