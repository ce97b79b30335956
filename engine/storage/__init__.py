"""Files: the project file, its upgrades, foreign formats."""
