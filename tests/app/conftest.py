"""What every test of the window gets."""

from collections.abc import Iterator

import pytest
from PySide6.QtGui import QGuiApplication


@pytest.fixture(autouse=True)
def empty_clipboard(qapp: object) -> Iterator[None]:
    """Takes back what a test copied: data that outlives the application crashes Qt at its end."""
    yield
    assert qapp is not None
    QGuiApplication.clipboard().clear()
