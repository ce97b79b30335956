"""What a drawing is made of: elements, links and groups as immutable records.

Records are plain data (msgspec structs); only `engine.topology.model` holds the mutable drawing.
`extra` keeps fields that a newer version of the file format wrote, so that they survive.
"""

from typing import Any

import msgspec

from engine.catalog.devices import DeviceKind, Medium


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """A user's own value for a catalogue figure, with the reason; SI unit of the figure."""

    value: float
    reason: str
    extra: dict[str, Any] = {}


class Element(msgspec.Struct, frozen=True, kw_only=True):
    """One thing on the canvas: a device of the shop at a place, `count` times as an array.

    `x`, `y` is the top left corner in scene units; `columns` lays an array out (0: one row).
    `overrides` maps standard figure names to the user's own values.
    """

    id: str
    kind: DeviceKind
    spec: str
    name: str
    x: float
    y: float
    count: int = 1
    columns: int = 0
    collapsed: bool = True
    group: str = ""
    overrides: dict[str, Override] = {}
    extra: dict[str, Any] = {}


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One end of a link: a port group of an element; of an array, all members or one (`member`)."""

    element: str
    port: str
    member: int = -1
    extra: dict[str, Any] = {}


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle of `count` equal cables between two port groups; bandwidth of one, one direction.

    With an array at an end and `member` -1, `count` is the number of cables per member.
    """

    id: str
    a: Endpoint
    b: Endpoint
    medium: Medium
    count: int
    bandwidth_bytes_per_s: float
    latency_s: float
    length_m: float = 2.0
    name: str = ""
    extra: dict[str, Any] = {}


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A named frame around elements; membership is each element's `group`.

    `template` is the spec of the rack that was opened into the group: its scale-up and PCIe links
    are wired as the rack's trays and backplane are, and take no ports.
    """

    id: str
    name: str
    collapsed: bool = False
    template: str = ""
    extra: dict[str, Any] = {}
