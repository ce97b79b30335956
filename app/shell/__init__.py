"""The main window: docks, menus, status bar, close guard."""
