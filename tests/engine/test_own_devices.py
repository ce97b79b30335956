"""Own devices: added with ids of their own, kept in the file, used by rules, sums and runs."""

import json
from pathlib import Path

import msgspec
import pytest

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec
from engine.catalog.figures import Confidence
from engine.errors import DamagedFileError, TopologyError
from engine.scenario.design import Design
from engine.scenario.editor import DesignEditor
from engine.scenario.own_devices import (
    OWN,
    draft_of,
    drop_device,
    own_figure,
    put_device,
    with_own_devices,
)
from engine.scenario.prices import power_sum
from engine.sim.preflight import preflight
from engine.storage.project_file import load_design, save_design
from engine.topology.model import Topology
from engine.topology.quick_add import new_element


def hotter(shop: Catalog, name: str = "Hot M890") -> DeviceSpec:
    draft = draft_of(shop.device("zhenwu-m890"), name)
    power = own_figure(draft.figures["power_w"], "W", 1234.0, (None, None), "lab", "2026-11-27")
    return msgspec.structs.replace(draft, figures={**draft.figures, "power_w": power})


def drawn(shop: Catalog) -> tuple[Design, DeviceSpec]:
    element = new_element(Topology(), shop.device("zhenwu-m890"), 0.0, 0.0, 2)
    editor = DesignEditor(Design(elements=(element,)), shop)
    change, spec = put_device(editor.snapshot(), hotter(shop), frozenset({element.id}))
    editor.apply(change)
    return editor.snapshot(), spec


def test_elements_are_of_the_own_device_and_sums_count_it(shop: Catalog) -> None:
    design, spec = drawn(shop)
    assert spec.id == "own:hot-m890"
    assert design.elements[0].spec == spec.id
    catalog = with_own_devices(design, shop)
    assert power_sum(design, catalog).total_w == pytest.approx(2 * 1234.0)
    assert spec.figures["power_w"].confidence is Confidence.ESTIMATE
    assert spec.figures["memory_bytes"] == shop.device("zhenwu-m890").figures["memory_bytes"]
    texts = [finding.text for finding in preflight(design, catalog)]
    assert not any("not in the catalogue" in text for text in texts)
    assert with_own_devices(Design(), shop) is shop


def test_names_that_are_alike_get_ids_that_differ_and_one_that_is_edited_keeps_its(
    shop: Catalog,
) -> None:
    design, first = drawn(shop)
    editor = DesignEditor(design, shop)
    change, second = put_device(design, hotter(shop), frozenset())
    editor.apply(change)
    assert second.id == "own:hot-m890-2"
    renamed = msgspec.structs.replace(first, name="Cool")
    change, third = put_device(editor.snapshot(), renamed, frozenset())
    inverse = editor.apply(change)
    assert [d.name for d in editor.snapshot().devices] == ["Cool", "Hot M890"]
    assert third.id == first.id
    editor.apply(inverse)
    assert [d.name for d in editor.snapshot().devices] == ["Hot M890", "Hot M890"]


def test_a_device_in_use_stays(shop: Catalog) -> None:
    design, spec = drawn(shop)
    with pytest.raises(TopologyError, match="is of this device"):
        drop_device(design, spec.id)
    free = msgspec.structs.replace(design, elements=())
    assert drop_device(free, spec.id).value == ()


def test_they_are_kept_in_the_file_and_damaged_ones_are_refused(
    shop: Catalog, tmp_path: Path
) -> None:
    design, _ = drawn(shop)
    path = tmp_path / "own.rackflow"
    save_design(path, design, shop)
    assert load_design(path).design == design
    whole = json.loads(path.read_text())

    def refused(words: str, **fields: object) -> None:
        raw = json.loads(json.dumps(whole))
        raw["devices"][0].update(fields)
        path.write_text(json.dumps(raw))
        with pytest.raises(DamagedFileError, match=words):
            load_design(path)

    refused(r"devices\[0\].id", id="zhenwu-m890")
    refused(r"devices\[0\].id", name=" ")
    ports = whole["devices"][0]["ports"]
    refused("0 ports", ports=[{**ports[0], "count": 0}])
    refused("ports of one name", ports=[ports[0], ports[0]])
    figures = whole["devices"][0]["figures"]
    refused("outside its range", figures={"power_w": {**figures["power_w"], "low": 9e9}})
    refused("rack without an inside", kind="rack")
    assert OWN == "own:"
