"""The chips that are drawn, with the user's own figures in place of the catalogue's."""

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.catalog.figures import Figure
from engine.scenario.design import Design
from engine.topology.elements import Element


def drawn_chip(design: Design, catalog: Catalog) -> DeviceSpec | None:
    """The first chip that the deployment may use, with the user's own figures; None without."""
    allowed = set(design.deployment.chips)
    for element in design.elements:
        spec = catalog.device(element.spec)
        if chip_id(spec) and (not allowed or element.id in allowed):
            return chip_of(element, spec, catalog)
    return None


def chip_id(spec: DeviceSpec) -> str:
    """The spec of the chips of a device: itself, those of a rack, '' without chips."""
    if spec.kind is DeviceKind.CHIP:
        return spec.id
    return spec.rack.chip if spec.rack is not None else ""


def chip_of(element: Element, spec: DeviceSpec, catalog: Catalog) -> DeviceSpec:
    """The chip with the user's own figures in place of the catalogue's."""
    chip = catalog.device(chip_id(spec))
    figures = dict(chip.figures)
    for name, override in element.overrides.items():
        known = figures.get(name)
        if known is not None and not (spec.rack is not None and name in spec.figures):
            figures[name] = Figure(
                value=override.value,
                unit=known.unit,
                confidence=known.confidence,
                source=(f"own value: {override.reason}",),
                date=known.date,
            )
    return msgspec.structs.replace(chip, figures=figures)
