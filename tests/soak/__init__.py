"""Long trials: `make soak` runs them in full, the tests some seconds of each."""
