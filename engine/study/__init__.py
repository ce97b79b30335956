"""Many runs: studies over scenarios."""
