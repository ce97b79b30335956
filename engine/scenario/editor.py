"""DesignEditor: the mutable design behind the window; one door for every edit."""

import msgspec

from engine.catalog.catalog import Catalog
from engine.errors import TopologyError
from engine.scenario.design import SECTIONS, Design
from engine.topology.changes import Batch, Change, SetSection
from engine.topology.model import Topology


class DesignEditor:
    """A design that changes by `apply`; `snapshot()` is the design at this moment."""

    def __init__(self, design: Design, catalog: Catalog) -> None:
        self.catalog = catalog
        self.topology = Topology(design.elements, design.links, design.groups)
        self._rest = design
        self._snapshot: Design | None = design

    def section(self, name: str) -> object:
        """The value of a section: deployment, workload, slo, prices, run, name, note."""
        if name not in SECTIONS:
            raise TopologyError(f"section {name}", "does not exist")
        value: object = getattr(self._rest, name)
        return value

    def snapshot(self) -> Design:
        """The whole design as an immutable record; the same object until the next change."""
        if self._snapshot is None:
            self._snapshot = msgspec.structs.replace(
                self._rest,
                elements=tuple(self.topology.elements.values()),
                links=tuple(self.topology.links.values()),
                groups=tuple(self.topology.groups.values()),
            )
        return self._snapshot

    def apply(self, change: Change) -> Change:
        """Performs a change of the drawing or of a section; returns its exact inverse.

        Raises:
            TopologyError: the change does not fit; nothing was changed.
        """
        inverse = self._perform(change)
        self._snapshot = None
        return inverse

    def _perform(self, change: Change) -> Change:
        if isinstance(change, SetSection):
            return self._set_section(change)
        if isinstance(change, Batch):
            return self._batch(change)
        return self.topology.apply(change)

    def _set_section(self, change: SetSection) -> SetSection:
        kind = SECTIONS.get(change.section)
        if kind is None:
            raise TopologyError(f"section {change.section}", "does not exist")
        if not isinstance(change.value, kind):
            raise TopologyError(
                f"section {change.section}",
                f"takes a {kind.__name__}, not a {type(change.value).__name__}",
            )
        before = getattr(self._rest, change.section)
        self._rest = msgspec.structs.replace(self._rest, **{change.section: change.value})
        return SetSection(change.section, before)

    def _batch(self, change: Batch) -> Batch:
        inverses: list[Change] = []
        try:
            for part in change.changes:
                inverses.append(self._perform(part))  # noqa: PERF401 - those done are undone
        except TopologyError:
            for inverse in reversed(inverses):
                self._perform(inverse)
            raise
        return Batch(tuple(reversed(inverses)))
