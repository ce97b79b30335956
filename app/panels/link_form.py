"""The inspector's page for links, one or many: cables, bandwidth, latency, length, name."""

from functools import partial

import msgspec

from app.document import Document
from app.panels.edits import parse_whole, perform, read_typed, shown
from app.panels.fields import Form, LineRow, Section, TextRow
from engine.errors import TopologyError
from engine.topology.changes import PutLinks
from engine.topology.elements import Endpoint, Link

MAX_CABLES = 100_000
MAX_RATE = 1e15
MAX_LATENCY_S = 10.0
MAX_LENGTH_M = 1e7


class LinkForm(Form):
    """What a bundle of cables carries; of several, what is typed goes for all of them."""

    def __init__(self, document: Document, ids: tuple[str, ...]) -> None:
        super().__init__("")
        self._document = document
        self._ids = ids
        single = len(ids) == 1
        many = self.tr("{0:,} links").format(len(ids))
        self.title.setText(self.tr("Link") if single else many)
        if single:
            section = self.section(self.tr("Ends"))
            section.add(TextRow(self.tr("From"), lambda: self._end(self._first().a)))
            section.add(TextRow(self.tr("To"), lambda: self._end(self._first().b)))
            section.add(TextRow(self.tr("Medium"), lambda: self._first().medium.value))
        self._fill(self.section(self.tr("Cables")), single=single)

    def links(self) -> list[Link]:
        """The links as they are now."""
        known = self._document.topology.links
        return [known[name] for name in self._ids if name in known]

    def _first(self) -> Link:
        found = self.links()
        if not found:
            raise TopologyError(self.tr("The link"), self.tr("it was deleted meanwhile"))
        return found[0]

    def refresh(self) -> None:
        """Shows the current values while a link exists."""
        if self.links():
            super().refresh()

    def _fill(self, section: Section, *, single: bool) -> None:
        if single:
            tip = self.tr("What lists and logs call this bundle; empty for the names of its ends")
            section.add(LineRow(self.tr("Name"), lambda: self._first().name, self._rename, tip))
        tip = self.tr("Equal cables in this bundle; with an array, per member")
        section.add(
            LineRow(self.tr("Count"), partial(self._common, "count", ""), self._count, tip)
        )
        tip = self.tr("Of one cable, one direction: 400 Gb/s or 50 GB/s")
        section.add(
            LineRow(
                self.tr("Bandwidth"),
                partial(self._common, "bandwidth_bytes_per_s", "B/s"),
                self._bandwidth,
                tip,
            )
        )
        section.add(TextRow(self.tr("All cables"), self._sum))
        for label, field, unit, write, tip in (
            (self.tr("Latency"), "latency_s", "s", self._latency,
             self.tr("One way, of both ports and the cable: 600 ns")),
            (self.tr("Length"), "length_m", "m", self._length, self.tr("Of one cable: 3 m")),
        ):  # fmt: skip
            section.add(LineRow(label, partial(self._common, field, unit), write, tip))

    def _common(self, field: str, unit: str) -> str:
        """The value that all links have, '' where they differ."""
        values = {getattr(link, field) for link in self.links()}
        if len(values) != 1:
            return ""
        value = values.pop()
        return shown(value, unit) if unit else f"{value}"

    def _sum(self) -> str:
        return shown(sum(k.bandwidth_bytes_per_s * k.count for k in self.links()), "B/s")

    def _end(self, end: Endpoint) -> str:
        for element in self._document.design().elements:
            if element.id == end.element:
                member = f" [{end.member}]" if end.member >= 0 else ""
                return f"{element.name}{member}, {end.port}"
        return end.element

    def _put(self, text: str, **fields: object) -> None:
        """Gives all links some values as one command."""
        before = self.links()
        after = [msgspec.structs.replace(link, **fields) for link in before]
        if after != before:
            perform(self._document, text, PutLinks(tuple(after)))

    def _rename(self, text: str) -> None:
        self._put(self.tr("Rename link"), name=text)

    def _count(self, text: str) -> None:
        self._put(self.tr("Set cables"), count=parse_whole(text, 1, MAX_CABLES))

    def _bandwidth(self, text: str) -> None:
        wanted = self.tr("a bandwidth above 0, such as 400 Gb/s")
        value = read_typed(text, "B/s", 1.0, MAX_RATE, wanted)
        self._put(self.tr("Set bandwidth"), bandwidth_bytes_per_s=value)

    def _latency(self, text: str) -> None:
        wanted = self.tr("a latency, such as 600 ns")
        self._put(
            self.tr("Set latency"), latency_s=read_typed(text, "s", 0.0, MAX_LATENCY_S, wanted)
        )

    def _length(self, text: str) -> None:
        wanted = self.tr("a length, such as 3 m")
        self._put(self.tr("Set length"), length_m=read_typed(text, "m", 0.0, MAX_LENGTH_M, wanted))
