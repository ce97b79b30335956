"""What lies under a point: the topmost element, a port handle, or the nearest link."""

from typing import NamedTuple

import numpy as np

from app.canvas.camera import Camera
from app.canvas.scene import Body, GroupFrame, Scene
from engine.scenario.notes import box_of

LINK_REACH_PX = 6.0
HANDLE_REACH_PX = 9.0
HANDLES_FROM_SCALE = 0.12


class Handle(NamedTuple):
    """A place on an element's edge from which a link of one port group can be pulled."""

    element: str
    port: str
    x: float
    y: float


def element_at(scene: Scene, x: float, y: float) -> str | None:
    """The topmost element over a scene point."""
    boxes = scene.boxes
    if not len(boxes):
        return None
    inside = (
        (boxes[:, 0] <= x)
        & (x <= boxes[:, 0] + boxes[:, 2])
        & (boxes[:, 1] <= y)
        & (y <= boxes[:, 1] + boxes[:, 3])
        & ~scene.hidden
    )
    rows = np.flatnonzero(inside)
    return scene.ids[int(rows[-1])] if len(rows) else None


def link_at(scene: Scene, camera: Camera, x: float, y: float) -> str | None:
    """The nearest link within a few pixels of a scene point."""
    if not len(scene.routes):
        return None
    reach = LINK_REACH_PX / camera.scale
    start, end = scene.routes[:, :-1], scene.routes[:, 1:]
    low, high = np.minimum(start, end), np.maximum(start, end)
    point = np.array([x, y])
    away = np.maximum(np.maximum(low - point, point - high), 0.0)
    distance = np.hypot(away[..., 0], away[..., 1]).min(axis=1)
    nearest = int(np.argmin(distance))
    return scene.link_ids[nearest] if distance[nearest] <= reach else None


def note_at(scene: Scene, x: float, y: float) -> str | None:
    """The topmost note over a scene point."""
    for note in reversed(scene.notes):
        if _holds(box_of(note), x, y):
            return note.id
    return None


def group_at(scene: Scene, x: float, y: float) -> GroupFrame | None:
    """The group whose title strip, or whole box where it is collapsed, is under a scene point."""
    for frame in reversed(scene.groups):
        if _holds(frame.title, x, y):
            return frame
    return None


def knob_at(scene: Scene, x: float, y: float) -> GroupFrame | None:
    """The group whose mark for collapsing and expanding is under a scene point."""
    frame = group_at(scene, x, y)
    return frame if frame is not None and _holds(frame.knob, x, y) else None


def _holds(box: tuple[float, float, float, float], x: float, y: float) -> bool:
    left, top, width, height = box
    return left <= x <= left + width and top <= y <= top + height


def handles_of(body: Body) -> list[Handle]:
    """Port handles along the top and bottom edges of an element."""
    x, y, width, height = body.box
    ports = [port.name for port in body.spec.ports]
    places = []
    for number, port in enumerate(ports, 1):
        across = x + width * number / (len(ports) + 1)
        places.append(Handle(body.element.id, port, across, y))
        places.append(Handle(body.element.id, port, across, y + height))
    return places


def handle_at(scene: Scene, camera: Camera, element_id: str, x: float, y: float) -> Handle | None:
    """The port handle of an element under a scene point."""
    body = scene.bodies.get(element_id)
    if body is None or camera.scale < HANDLES_FROM_SCALE:
        return None
    reach = HANDLE_REACH_PX / camera.scale
    near = [(np.hypot(h.x - x, h.y - y), h) for h in handles_of(body)]
    best = min(near, default=None, key=lambda pair: pair[0])
    return best[1] if best is not None and best[0] <= reach else None


def elements_in(scene: Scene, box: tuple[float, float, float, float]) -> list[str]:
    """Elements that reach into a scene box."""
    x, y, width, height = box
    boxes = scene.boxes
    if not len(boxes):
        return []
    seen = (
        (boxes[:, 0] <= x + width)
        & (boxes[:, 0] + boxes[:, 2] >= x)
        & (boxes[:, 1] <= y + height)
        & (boxes[:, 1] + boxes[:, 3] >= y)
        & ~scene.hidden
    )
    return [scene.ids[row] for row in np.flatnonzero(seen).tolist()]


def elements_within(scene: Scene, box: tuple[float, float, float, float]) -> frozenset[str]:
    """Elements, links and notes that lie wholly inside a scene box."""
    x, y, width, height = box
    boxes = scene.boxes
    found: set[str] = set()
    if len(boxes):
        inside = (
            (boxes[:, 0] >= x)
            & (boxes[:, 1] >= y)
            & (boxes[:, 0] + boxes[:, 2] <= x + width)
            & (boxes[:, 1] + boxes[:, 3] <= y + height)
        )
        found |= {scene.ids[int(row)] for row in np.flatnonzero(inside)}
    if len(scene.routes):
        low, high = scene.link_boxes
        inside = (
            (low[:, 0] >= x)
            & (low[:, 1] >= y)
            & (high[:, 0] <= x + width)
            & (high[:, 1] <= y + height)
        )
        found |= {scene.link_ids[int(row)] for row in np.flatnonzero(inside)}
    for note in scene.notes:
        left, top, wide, tall = box_of(note)
        if x <= left and y <= top and left + wide <= x + width and top + tall <= y + height:
            found.add(note.id)
    return frozenset(found)
