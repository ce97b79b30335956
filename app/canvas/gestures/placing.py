"""Which gesture places what was taken from the palette."""

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication

from app.canvas.gestures.base import Stage
from app.canvas.gestures.note import PlaceNoteGesture
from app.canvas.gestures.place import PlaceGesture
from app.canvas.gestures.place_block import PlaceBlockGesture
from engine.storage.blocks import Block

Placing = PlaceGesture | PlaceBlockGesture
FOLLOWING = (PlaceGesture, PlaceBlockGesture, PlaceNoteGesture)  # a press draws, not a drag


def placing(stage: Stage, what: str, count: int, blocks: Mapping[str, Block]) -> Placing | None:
    """The gesture for so many devices of a spec id, or for a block by its key; None for neither."""
    spec = stage.document.catalog.devices.get(what)
    if spec is not None:
        text = QCoreApplication.translate(
            "CanvasView",
            "Click to place {0}; digits say how many, Shift goes on placing, Esc stops",
        )
        stage.say(text.format(spec.name))
        return PlaceGesture(stage, spec, count)
    block = blocks.get(what)
    if block is None:
        return None
    text = QCoreApplication.translate(
        "CanvasView", "Click to place {0}; Shift goes on placing, Esc stops"
    )
    stage.say(text.format(block.name))
    return PlaceBlockGesture(stage, block)
