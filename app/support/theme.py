"""Colours: light and dark palettes for widgets, and the canvas's own colours for each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette

THEMES = ("system", "light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasColors:
    """What the canvas paints with; heat runs from idle to full, legible to colour-blind eyes."""

    paper: str
    grid: str
    grid_major: str
    panel: str
    panel_edge: str
    ink: str
    muted: str
    tray: str
    chip: str
    switch: str
    port: str
    link: str
    group: str
    group_edge: str
    accent: str
    good: str
    bad: str
    down: str
    particle: str
    notice: str  # ground of a strip that is to be read
    heat: tuple[str, ...]


LIGHT = CanvasColors(
    paper="#fbfcfd", grid="#e9edf2", grid_major="#d9e0e8", panel="#ffffff",
    panel_edge="#9aa7b6", ink="#1b2430", muted="#566373", tray="#e7ecf2", chip="#c9d3df",
    switch="#9db2c9", port="#a9b6c5", link="#8492a3", group="#f3f6f9", group_edge="#c1cbd6",
    accent="#1668c7", good="#1f8a4c", bad="#c7382a", down="#2b2f36", particle="#0f4fa8", notice="#fdf0cf",
    heat=("#c9d3df", "#8fbbe0", "#4d95cf", "#f0c24e", "#ec8a34", "#cf3a2b"),
)  # fmt: skip

DARK = CanvasColors(
    paper="#15191f", grid="#1d232b", grid_major="#28303a", panel="#212831",
    panel_edge="#566373", ink="#e8edf3", muted="#9aa8b8", tray="#1a2028", chip="#3b4755",
    switch="#4f6580", port="#5b6b7d", link="#6b7a8c", group="#1a2027", group_edge="#38424e",
    accent="#5aa6f5", good="#4cc07e", bad="#ef6a5b", down="#05070a", particle="#cfe4ff", notice="#4a3c16",
    heat=("#3b4755", "#2f6c9e", "#3f9bd1", "#f2dc6b", "#e5832f", "#d83a2c"),
)  # fmt: skip

_DARK_WIDGETS = {
    QPalette.ColorRole.Window: "#20262d",
    QPalette.ColorRole.WindowText: "#e6ebf1",
    QPalette.ColorRole.Base: "#171c22",
    QPalette.ColorRole.AlternateBase: "#1d232a",
    QPalette.ColorRole.Text: "#e6ebf1",
    QPalette.ColorRole.Button: "#2a313a",
    QPalette.ColorRole.ButtonText: "#e6ebf1",
    QPalette.ColorRole.BrightText: "#ffffff",
    QPalette.ColorRole.ToolTipBase: "#2a313a",
    QPalette.ColorRole.ToolTipText: "#e6ebf1",
    QPalette.ColorRole.PlaceholderText: "#93a1b1",
    QPalette.ColorRole.Highlight: "#2f7fd6",
    QPalette.ColorRole.HighlightedText: "#ffffff",
    QPalette.ColorRole.Link: "#6db3ff",
    QPalette.ColorRole.Light: "#3a434e",
    QPalette.ColorRole.Midlight: "#323a44",
    QPalette.ColorRole.Mid: "#1a1f25",
    QPalette.ColorRole.Dark: "#12161a",
    QPalette.ColorRole.Shadow: "#000000",
}
_LIGHT_WIDGETS = {
    QPalette.ColorRole.Window: "#eef1f4",
    QPalette.ColorRole.WindowText: "#1b2430",
    QPalette.ColorRole.Base: "#ffffff",
    QPalette.ColorRole.AlternateBase: "#f6f8fa",
    QPalette.ColorRole.Text: "#1b2430",
    QPalette.ColorRole.Button: "#f3f5f8",
    QPalette.ColorRole.ButtonText: "#1b2430",
    QPalette.ColorRole.BrightText: "#ffffff",
    QPalette.ColorRole.ToolTipBase: "#ffffff",
    QPalette.ColorRole.ToolTipText: "#1b2430",
    QPalette.ColorRole.PlaceholderText: "#6a7787",
    QPalette.ColorRole.Highlight: "#1668c7",
    QPalette.ColorRole.HighlightedText: "#ffffff",
    QPalette.ColorRole.Link: "#1668c7",
    QPalette.ColorRole.Light: "#ffffff",
    QPalette.ColorRole.Midlight: "#f6f8fa",
    QPalette.ColorRole.Mid: "#c3ccd6",
    QPalette.ColorRole.Dark: "#a3afbc",
    QPalette.ColorRole.Shadow: "#7b8794",
}
_DISABLED = {False: "#98a3af", True: "#66717d"}


def apply(name: str) -> None:
    """Gives the whole program the colours of a theme: system, light or dark."""
    dark = name == "dark" or (name == "system" and _system_is_dark())
    palette = QPalette()
    for role, color in (_DARK_WIDGETS if dark else _LIGHT_WIDGETS).items():
        palette.setColor(role, QColor(color))
    faded = QColor(_DISABLED[dark])
    for role in (
        QPalette.ColorRole.WindowText,
        QPalette.ColorRole.Text,
        QPalette.ColorRole.ButtonText,
    ):
        palette.setColor(QPalette.ColorGroup.Disabled, role, faded)
    QGuiApplication.setPalette(palette)


def _system_is_dark() -> bool:
    return QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark


def canvas_colors(palette: QPalette) -> CanvasColors:
    """The canvas colours that go with a widget palette."""
    return DARK if palette.color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def heat_table(colors: CanvasColors, steps: int = 256) -> NDArray[np.uint32]:
    """Heat as `steps` pixels 0xffRRGGBB, idle to full."""
    stops = np.array([_rgb(color) for color in colors.heat], np.float64)
    at = np.linspace(0, len(stops) - 1, steps)
    rgb = np.column_stack([np.interp(at, np.arange(len(stops)), stops[:, c]) for c in range(3)])
    whole = np.rint(rgb).astype(np.uint32)
    pixels = 0xFF000000 | (whole[:, 0] << 16) | (whole[:, 1] << 8) | whole[:, 2]
    return np.asarray(pixels, np.uint32)


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def pixel(color: str) -> int:
    """A colour as a pixel 0xffRRGGBB."""
    red, green, blue = _rgb(color)
    return 0xFF000000 | (red << 16) | (green << 8) | blue
