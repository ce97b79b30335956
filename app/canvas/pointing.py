"""What a press means and what lies under the pointer: which gesture begins, what is shown."""

from PySide6.QtCore import Qt

from app.canvas.gestures.base import Gesture, Pointer, Stage
from app.canvas.gestures.link import LinkGesture
from app.canvas.gestures.move import MoveGesture
from app.canvas.gestures.rubber_band import RubberBandGesture
from app.canvas.picking import element_at, group_at, handle_at, knob_at, link_at, note_at
from app.commands.grouping import toggle_groups


def pressed(stage: Stage, pointer: Pointer, tool: str) -> Gesture | None:
    """The gesture that a press of the left button begins; a press on a link only selects."""
    x, y = pointer.scene
    scene, overlay = stage.scene, stage.overlay
    name = element_at(scene, x, y)
    handle = handle_at(scene, stage.camera, overlay.hovered, x, y) if overlay.hovered else None
    if handle is not None:
        return LinkGesture(stage, pointer, handle.element, handle.port)
    if tool == "link" and name is not None:
        return LinkGesture(stage, pointer, name, "")
    note = note_at(scene, x, y) if name is None else None
    if note is not None:
        _select(stage, note, pointer)
        return MoveGesture(stage, pointer, note) if note in stage.document.selection else None
    if name is not None:
        _select(stage, name, pointer)
        selected = name in stage.document.selection
        return MoveGesture(stage, pointer, name) if selected else None
    frame = group_at(scene, x, y)
    link = link_at(scene, stage.camera, x, y)
    if link is not None and (frame is None or not frame.collapsed):
        _select(stage, link, pointer)
        return None
    if frame is not None and knob_at(scene, x, y) is not None:
        toggle_groups(stage.document, frozenset({frame.id}))
        return None
    if frame is not None:
        inside = [scene.ids[row] for row in frame.rows.tolist()]
        stage.document.select(frozenset(inside))
        return MoveGesture(stage, pointer, inside[0])
    return RubberBandGesture(stage, pointer)


def double_clicked(stage: Stage, pointer: Pointer) -> str | None:
    """The element under the pointer, to be shown large; notes and collapsed groups are opened."""
    x, y = pointer.scene
    name = element_at(stage.scene, x, y)
    note = note_at(stage.scene, x, y) if name is None else None
    if note is not None:
        stage.ask_note(note, (x, y))
    frame = group_at(stage.scene, x, y) if name is None and note is None else None
    if frame is not None and frame.collapsed and knob_at(stage.scene, x, y) is None:
        toggle_groups(stage.document, frozenset({frame.id}))
    return name


def _select(stage: Stage, name: str, pointer: Pointer) -> None:
    selection = stage.document.selection
    if pointer.holds(Qt.KeyboardModifier.ControlModifier):
        stage.document.select(selection ^ {name})
    elif pointer.holds(Qt.KeyboardModifier.ShiftModifier):
        stage.document.select(selection | {name})
    elif name not in selection:
        stage.document.select(frozenset({name}))


def hover(stage: Stage, pointer: Pointer, tool: str) -> None:
    """Writes what lies under the pointer into the overlay: element, port handle or link."""
    x, y = pointer.scene
    scene, overlay = stage.scene, stage.overlay
    handle = None
    if overlay.hovered:  # handles reach a little beyond their element
        handle = handle_at(scene, stage.camera, overlay.hovered, x, y)
    name = handle.element if handle is not None else element_at(scene, x, y)
    overlay.hovered = name or link_at(scene, stage.camera, x, y) or ""
    overlay.hovered_port = handle.port if handle is not None else ""
    overlay.show_handles = name is not None and tool != "pan"
