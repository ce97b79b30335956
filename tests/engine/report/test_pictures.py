"""Exports: every device and link is on them, in well-formed files, without Qt."""

from pathlib import Path
from xml.dom import minidom

import msgspec
import pytest
from PIL import Image

from engine.catalog.catalog import Catalog
from engine.catalog.resources import resource_path
from engine.errors import FileError
from engine.report.picture import Heat, Text, design_picture, heat_colour
from engine.report.png import write_png
from engine.report.svg import svg_text, write_svg
from engine.scenario.design import Design
from engine.storage.project_file import load_design


@pytest.fixture(scope="module")
def design() -> Design:
    return load_design(resource_path("examples", "al128-agents.rackflow")).design


def test_the_svg_names_every_device_and_every_bundle(shop: Catalog, design: Design) -> None:
    text = svg_text(design_picture(design, shop, None))
    minidom.parseString(text)
    for element in design.elements:
        assert f">{element.name}<" in text
    assert text.count("<polyline") == len(design.links)
    assert text.count("64 x 50 GB/s") == 2


def test_hostile_names_stay_text(shop: Catalog, design: Design) -> None:
    name = '<script>alert("&")</script>\x00\x0b]]>'
    bad = msgspec.structs.replace(design.elements[0], name=name)
    hostile = msgspec.structs.replace(design, elements=(bad, *design.elements[1:]), name=name)
    text = svg_text(design_picture(hostile, shop, None))
    minidom.parseString(text)
    assert "<script" not in text


def test_the_png_is_a_picture_at_twice_the_size(
    shop: Catalog, design: Design, tmp_path: Path
) -> None:
    picture = design_picture(design, shop, None)
    write_png(picture, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (round(picture.width * 2), round(picture.height * 2))
        assert len(image.getcolors(1_000_000) or ()) > 20


def test_heat_colours_chips_and_links(shop: Catalog, design: Design) -> None:
    heat = Heat(chips={"rack": (1.0,) * 64 + (0.0,) * 64}, links={design.links[0].id: 0.5},
                caption="after 10 s")  # fmt: skip
    picture = design_picture(design, shop, heat)
    fills = [getattr(shape, "fill", "") for shape in picture.shapes]
    assert fills.count(heat_colour(1.0)) == 64
    texts = [shape.text for shape in picture.shapes if isinstance(shape, Text)]
    assert any("50%" in text for text in texts)
    assert "after 10 s" in texts


def test_an_empty_design_is_a_page_with_its_name(shop: Catalog, tmp_path: Path) -> None:
    picture = design_picture(Design(name="Nothing yet"), shop, None)
    write_png(picture, tmp_path / "e.png")
    write_svg(picture, tmp_path / "e.svg")
    assert "Nothing yet" in (tmp_path / "e.svg").read_text()


def test_a_place_that_cannot_be_written_is_told(
    shop: Catalog, design: Design, tmp_path: Path
) -> None:
    with pytest.raises(FileError, match="nowhere"):
        write_svg(design_picture(design, shop, None), tmp_path / "nowhere" / "a.svg")
