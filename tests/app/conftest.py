"""What every test of the window gets."""

import gc
from collections.abc import Iterator

import pytest
from PySide6.QtGui import QGuiApplication


@pytest.fixture(autouse=True)
def garbage_is_collected_in_this_thread() -> Iterator[None]:
    """As in the program: a collection in a background thread would destroy Qt objects there."""
    gc.disable()
    yield
    gc.collect(1)
    gc.enable()


@pytest.fixture(autouse=True)
def empty_clipboard(qapp: object) -> Iterator[None]:
    """Takes back what a test copied: data that outlives the application crashes Qt at its end."""
    yield
    assert qapp is not None
    QGuiApplication.clipboard().clear()
