"""What a tool tip on the canvas says."""

import numpy as np
from PySide6.QtCore import QCoreApplication

from app.canvas.camera import Camera
from app.canvas.layers.labels import closed_text
from app.canvas.picking import element_at, group_at, link_at
from app.canvas.run_picture import RunPicture
from app.canvas.scene import Body, Scene
from engine.units import format_quantity


def _tr(text: str) -> str:
    return QCoreApplication.translate("Canvas", text)


def tip_text(scene: Scene, camera: Camera, x: float, y: float, run: RunPicture | None) -> str:
    """The chip, device or link under a scene point, and its use in a run; '' for none."""
    name = element_at(scene, x, y)
    if name is not None:
        return _element_tip(scene, scene.bodies[name], x, y, run)
    frame = group_at(scene, x, y)
    if frame is not None and frame.collapsed:
        return f"{frame.name}: {closed_text(scene, frame, run)}\n{_tr('Double-click expands')}"
    name = link_at(scene, camera, x, y)
    return _link_tip(scene, name, run) if name is not None else ""


def _element_tip(scene: Scene, body: Body, x: float, y: float, run: RunPicture | None) -> str:
    lines = [f"{body.element.name}: {body.spec.name}"]
    cells = scene.cells[body.first_cell : body.first_cell + body.cells]
    inside = (
        (cells[:, 0] <= x)
        & (x <= cells[:, 0] + cells[:, 2])
        & (cells[:, 1] <= y)
        & (y <= cells[:, 1] + cells[:, 3])
    )
    use = run.chip_utilisation.get(body.element.id) if run is not None else None
    known = use is not None and len(use) == body.cells
    if inside.any():
        chip = int(np.flatnonzero(inside)[0])
        lines.append(_tr("chip {0}").format(chip))
        if known and use is not None and np.isfinite(use[chip]):
            down = use[chip] < 0
            lines.append(_tr("down") if down else _tr("busy {0:.0%}").format(use[chip]))
    elif known and use is not None and len(use):
        mean = float(np.nanmean(np.maximum(use, 0.0)))
        lines.append(_tr("{0} chips, mean use {1:.0%}").format(len(use), mean))
        if (use < 0).any():
            lines.append(_tr("{0} chips down").format(int((use < 0).sum())))
    return "\n".join(lines)


def _link_tip(scene: Scene, name: str, run: RunPicture | None) -> str:
    link = scene.links[name]
    ends = [scene.bodies[end.element].element.name for end in (link.a, link.b)]
    rate = format_quantity(link.bandwidth_bytes_per_s, "B/s")
    lines = [
        f"{ends[0]} - {ends[1]}",
        f"{link.count} x {rate} {link.medium.value}, {format_quantity(link.latency_s, 's')}",
    ]
    if run is not None and name in run.links.names.rows:
        ahead, back = run.links.bytes_per_s[run.links.names.rows[name]].tolist()
        lines.append(
            _tr("{0} there, {1} back").format(
                format_quantity(ahead, "B/s"), format_quantity(back, "B/s")
            )
        )
    return "\n".join(lines)
