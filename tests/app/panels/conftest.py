"""Fixtures of the panels' tests."""

import pytest
from app.document import Document
from pytestqt.qtbot import QtBot

from engine.catalog.catalog import Catalog
from engine.catalog.loader import load_catalog
from tests.helpers.windows import drawn_document


@pytest.fixture(scope="session")
def shop() -> Catalog:
    return load_catalog()


@pytest.fixture
def document(qtbot: QtBot, shop: Catalog) -> Document:
    return drawn_document(shop)
