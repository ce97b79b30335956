"""What the program remembers between starts: window geometry, recent files, theme.

One INI file at the platform's place for settings; tests hand in a path of their own.
"""

from collections.abc import Mapping
from pathlib import Path

import platformdirs
from PySide6.QtCore import QByteArray, QSettings

MAX_RECENT = 10
KEYS_GROUP = "shortcuts"


def settings_path() -> Path:
    """The INI file of this user."""
    return Path(platformdirs.user_config_dir("rackflow", appauthor=False)) / "rackflow.ini"


class Settings:
    """Typed access to the settings file; every value has a default."""

    def __init__(self, path: Path | None = None) -> None:
        self._store = QSettings(str(path or settings_path()), QSettings.Format.IniFormat)
        user = platformdirs.user_data_dir("rackflow", appauthor=False)
        # journals, earlier versions and thumbnails; beside the settings where those are elsewhere
        self.data_folder = Path(user) if path is None else path.parent / "data"

    @property
    def geometry(self) -> QByteArray:
        """Place and size of the window as Qt wrote it; empty at the first start."""
        return self._bytes("window/geometry")

    @geometry.setter
    def geometry(self, value: QByteArray) -> None:
        self._store.setValue("window/geometry", value)

    @property
    def dock_state(self) -> QByteArray:
        """Places of docks and tool bars as Qt wrote them; empty at the first start."""
        return self._bytes("window/docks")

    @dock_state.setter
    def dock_state(self, value: QByteArray) -> None:
        self._store.setValue("window/docks", value)

    @property
    def theme(self) -> str:
        """`system`, `light` or `dark`."""
        value = self._store.value("window/theme", "system")
        return value if value in ("system", "light", "dark") else "system"

    @theme.setter
    def theme(self, value: str) -> None:
        self._store.setValue("window/theme", value)

    @property
    def minimap(self) -> bool:
        """The overview is shown while not all of a drawing is in view."""
        return self._store.value("canvas/minimap", "true") not in ("false", False)

    @minimap.setter
    def minimap(self, value: bool) -> None:
        self._store.setValue("canvas/minimap", "true" if value else "false")

    @property
    def reduced_motion(self) -> bool | None:
        """Whether nothing is to move by itself; None as the system wants it."""
        value = self._store.value("canvas/reduced_motion")
        return None if value is None else value not in ("false", False)

    @reduced_motion.setter
    def reduced_motion(self, value: bool) -> None:
        self._store.setValue("canvas/reduced_motion", "true" if value else "false")

    @property
    def show_welcome(self) -> bool:
        """Whether a start without a file shows the welcome page."""
        return self._store.value("welcome/show", "true") not in ("false", False)

    @show_welcome.setter
    def show_welcome(self, value: bool) -> None:
        self._store.setValue("welcome/show", value)

    @property
    def shortcuts(self) -> dict[str, str]:
        """The user's own keys by action, as portable texts; '' for none at all."""
        self._store.beginGroup(KEYS_GROUP)
        found = {name: str(self._store.value(name, "")) for name in self._store.childKeys()}
        self._store.endGroup()
        return found

    @shortcuts.setter
    def shortcuts(self, value: Mapping[str, str]) -> None:
        self._store.remove(KEYS_GROUP)
        for name, keys in value.items():
            self._store.setValue(f"{KEYS_GROUP}/{name}", keys)

    @property
    def recent_files(self) -> tuple[Path, ...]:
        """Files opened or saved lately, newest first."""
        value = self._store.value("files/recent", [])
        texts = value if isinstance(value, list) else [value]
        return tuple(Path(str(text)) for text in texts if text)[:MAX_RECENT]

    def remember_file(self, path: Path) -> None:
        """Puts a file at the head of the recent files."""
        path = path.resolve()
        rest = [known for known in self.recent_files if known != path]
        self._store.setValue("files/recent", [str(item) for item in [path, *rest]][:MAX_RECENT])

    def forget_file(self, path: Path) -> None:
        """Removes a file that could not be found from the recent files."""
        rest = [str(known) for known in self.recent_files if known != path]
        self._store.setValue("files/recent", rest)

    def flush(self) -> None:
        """Writes what was set; a folder that cannot be written is not worth a message."""
        self._store.sync()

    def _bytes(self, key: str) -> QByteArray:
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()
