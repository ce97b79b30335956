"""Changes: the only ways to edit a drawing or its sections; each is plain data with an inverse.

`Topology.apply(change)` performs one and returns its inverse, so `apply(inverse)` restores the
exact state before. A Change never refers to live objects, only to ids and records.
"""

from typing import Any

import msgspec

from engine.topology.elements import Element, Group, Link


class PutElements(msgspec.Struct, frozen=True, tag=True):
    """Add elements or replace those of the same id (order of a replaced one is kept)."""

    elements: tuple[Element, ...]


class DropElements(msgspec.Struct, frozen=True, tag=True):
    """Remove elements by id; their links must be dropped before (use a Batch)."""

    ids: tuple[str, ...]


class PutLinks(msgspec.Struct, frozen=True, tag=True):
    """Add links or replace those of the same id."""

    links: tuple[Link, ...]


class DropLinks(msgspec.Struct, frozen=True, tag=True):
    """Remove links by id."""

    ids: tuple[str, ...]


class PutGroups(msgspec.Struct, frozen=True, tag=True):
    """Add groups or replace those of the same id."""

    groups: tuple[Group, ...]


class DropGroups(msgspec.Struct, frozen=True, tag=True):
    """Remove groups by id; elements keep existing without a frame."""

    ids: tuple[str, ...]


class MoveElements(msgspec.Struct, frozen=True, tag=True):
    """Place elements: parallel tuples of ids and new top left corners in scene units."""

    ids: tuple[str, ...]
    positions: tuple[tuple[float, float], ...]


class InsertAt(msgspec.Struct, frozen=True, tag=True):
    """Restore dropped records at their old places in the order (the inverse of drops)."""

    elements: tuple[tuple[int, Element], ...] = ()
    links: tuple[tuple[int, Link], ...] = ()
    groups: tuple[tuple[int, Group], ...] = ()


class SetSection(msgspec.Struct, frozen=True, tag=True):
    """Replace one section of the design document (deployment, workload, slo, prices, ...)."""

    section: str
    value: Any


class Batch(msgspec.Struct, frozen=True, tag=True):
    """Several changes as one, applied in order, undone in reverse; all or nothing."""

    changes: tuple["Change", ...]


Change = (
    PutElements
    | DropElements
    | PutLinks
    | DropLinks
    | PutGroups
    | DropGroups
    | MoveElements
    | InsertAt
    | SetSection
    | Batch
)
