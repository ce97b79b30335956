"""Fixtures of the panels' tests."""

import pytest
from pytestqt.qtbot import QtBot

from app.document import Document
from engine.catalog.catalog import Catalog
from tests.helpers.windows import drawn_document


@pytest.fixture
def document(qtbot: QtBot, shop: Catalog) -> Document:
    return drawn_document(shop)
