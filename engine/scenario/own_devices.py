"""A design's own devices: laid over the catalogue, made from others, added with unique ids."""

import re
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceSpec, Status
from engine.catalog.figures import Confidence, Figure
from engine.errors import TopologyError
from engine.scenario.design import Design
from engine.topology.changes import Batch, PutElements, SetSection

OWN = "own:"
MOST = 500


def with_own_devices(design: Design, catalog: Catalog) -> Catalog:
    """The catalogue with the design's own devices, so that its elements may name them."""
    if not design.devices:
        return catalog
    own = {spec.id: spec for spec in design.devices if spec.id.startswith(OWN)}
    return replace(catalog, devices={**catalog.devices, **own})


def own_figure(
    before: Figure | None,
    unit: str,
    value: float,
    span: tuple[float | None, float | None],
    reason: str,
    date: str,
) -> Figure:
    """A figure of a user: the one before where value, range and reason are the same."""
    low, high = span
    if before is not None:
        known = before.value, before.low, before.high, "; ".join(before.source)
        if known == (value, low, high, reason):
            return before
    return Figure(
        value=value,
        unit=unit,
        confidence=Confidence.ESTIMATE,
        source=(reason,),
        date=date,
        low=low,
        high=high,
    )


def draft_of(spec: DeviceSpec, name: str) -> DeviceSpec:
    """A copy of a device under another name, to be changed and added: nobody sells it."""
    return msgspec.structs.replace(
        spec, id=OWN, name=name, aliases=(), status=Status.WHAT_IF, label="own"
    )


def put_device(
    design: Design, spec: DeviceSpec, elements: frozenset[str]
) -> tuple[Batch, DeviceSpec]:
    """The change that adds a device, or replaces the one of its id, and gives it to elements.

    Returns:
        the change, and the device as it is kept: a draft gets an id of its own.

    Raises:
        TopologyError: too many devices.
    """
    devices = {own.id: own for own in design.devices}
    if spec.id == OWN:
        stem = re.sub(r"[^a-z0-9]+", "-", spec.name.lower()).strip("-")[:40] or "device"
        made, number = f"{OWN}{stem}", 1
        while made in devices:
            number += 1
            made = f"{OWN}{stem}-{number}"
        spec = msgspec.structs.replace(spec, id=made)
    devices[spec.id] = spec
    if len(devices) > MOST:
        raise TopologyError("devices", f"there are {MOST} own ones", "remove some")
    changed = tuple(
        msgspec.structs.replace(element, spec=spec.id, kind=spec.kind)
        for element in design.elements
        if element.id in elements
    )
    section = SetSection("devices", tuple(devices.values()))
    return Batch((section, PutElements(changed)) if changed else (section,)), spec


def taken_over(
    design: Design, devices: Sequence[DeviceSpec]
) -> tuple[tuple[DeviceSpec, ...], dict[str, str]]:
    """Own devices of another design beside those of this one.

    Returns:
        all own devices, and the ids under which those of the other one are there: the same device is
        there once, another one under a taken id gets a number.

    Raises:
        TopologyError: too many devices.
    """
    kept = {own.id: own for own in design.devices}
    names: dict[str, str] = {}
    for spec in devices:
        made, number = spec.id, 1
        while made in kept and msgspec.structs.replace(kept[made], id=spec.id) != spec:
            number += 1
            made = f"{spec.id}-{number}"
        names[spec.id] = made
        kept[made] = msgspec.structs.replace(spec, id=made)
    if len(kept) > MOST:
        raise TopologyError("devices", f"there are {MOST} own ones", "remove some")
    return tuple(kept.values()), names


def drop_device(design: Design, spec_id: str) -> SetSection:
    """The change that removes an own device.

    Raises:
        TopologyError: it is drawn, or a part of another own device.
    """
    users = [element.name for element in design.elements if element.spec == spec_id]
    users += [
        spec.name
        for spec in design.devices
        if spec.rack is not None
        and spec_id in (spec.rack.chip, spec.rack.host, spec.rack.nic, spec.rack.switch)
    ]
    if users:
        more = f" and {len(users) - 1} more" if len(users) > 1 else ""
        raise TopologyError(users[0] + more, "is of this device", "remove or replace it first")
    return SetSection("devices", tuple(s for s in design.devices if s.id != spec_id))
