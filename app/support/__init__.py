"""Qt helpers that know no document: theme, icons, notifications, settings."""
