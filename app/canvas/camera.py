"""Camera: how scene units become pixels of the widget, and back."""

from dataclasses import dataclass

MIN_SCALE, MAX_SCALE = 0.002, 8.0

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # x, y, width, height


@dataclass(slots=True)
class Camera:
    """A uniform scale and a shift: pixel = scene x scale + shift (logical pixels)."""

    scale: float = 1.0
    dx: float = 0.0
    dy: float = 0.0

    def to_view(self, x: float, y: float) -> Point:
        """Widget pixels of a scene point."""
        return x * self.scale + self.dx, y * self.scale + self.dy

    def to_scene(self, x: float, y: float) -> Point:
        """Scene point of widget pixels."""
        return (x - self.dx) / self.scale, (y - self.dy) / self.scale

    def pan(self, dx: float, dy: float) -> None:
        """Moves the picture by so many pixels."""
        self.dx += dx
        self.dy += dy

    def zoom(self, factor: float, x: float, y: float) -> None:
        """Scales about a widget point, which stays where it is."""
        scale = min(max(self.scale * factor, MIN_SCALE), MAX_SCALE)
        factor = scale / self.scale
        self.dx, self.dy = x - (x - self.dx) * factor, y - (y - self.dy) * factor
        self.scale = scale

    def fit(self, box: Box, width: float, height: float, margin: float, most: float) -> None:
        """Shows a scene box as large as the widget allows, at most at scale `most`."""
        x, y, wide, high = box
        room_x, room_y = max(width - 2 * margin, 20.0), max(height - 2 * margin, 20.0)
        scale = min(room_x / max(wide, 1.0), room_y / max(high, 1.0), most)
        self.scale = min(max(scale, MIN_SCALE), MAX_SCALE)
        self.dx = width / 2 - (x + wide / 2) * self.scale
        self.dy = height / 2 - (y + high / 2) * self.scale
