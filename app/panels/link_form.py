"""The inspector's page for one link: cables, bandwidth, latency, length, name."""

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
    """What a bundle of cables carries."""

    def __init__(self, document: Document, link_id: str) -> None:
        super().__init__("")
        self._document = document
        self._id = link_id
        self.title.setText(self.tr("Link"))
        section = self.section(self.tr("Ends"))
        section.add(TextRow(self.tr("From"), lambda: self._end(self.link().a)))
        section.add(TextRow(self.tr("To"), lambda: self._end(self.link().b)))
        section.add(TextRow(self.tr("Medium"), lambda: self.link().medium.value))
        self._fill(self.section(self.tr("Cables")))

    def link(self) -> Link:
        """The link as it is now.

        Raises:
            TopologyError: it was deleted meanwhile.
        """
        links: tuple[Link, ...] = self._document.design().links
        for link in links:
            if link.id == self._id:
                return link
        raise TopologyError(self.tr("The link"), self.tr("it was deleted meanwhile"))

    def refresh(self) -> None:
        """Shows the current values while the link exists."""
        if any(link.id == self._id for link in self._document.design().links):
            super().refresh()

    def _fill(self, section: Section) -> None:
        tip = self.tr("What lists and logs call this bundle; empty for the names of its ends")
        section.add(LineRow(self.tr("Name"), lambda: self.link().name, self._rename, tip))
        tip = self.tr("Equal cables in this bundle; with an array, per member")
        section.add(LineRow(self.tr("Count"), lambda: f"{self.link().count}", self._count, tip))
        tip = self.tr("Of one cable, one direction: 400 Gb/s or 50 GB/s")
        section.add(
            LineRow(
                self.tr("Bandwidth"),
                lambda: shown(self.link().bandwidth_bytes_per_s, "B/s"),
                self._bandwidth,
                tip,
            )
        )
        section.add(
            TextRow(
                self.tr("All cables"),
                lambda: shown(self.link().bandwidth_bytes_per_s * self.link().count, "B/s"),
            )
        )
        for label, field, unit, write, tip in (
            (self.tr("Latency"), "latency_s", "s", self._latency,
             self.tr("One way, of both ports and the cable: 600 ns")),
            (self.tr("Length"), "length_m", "m", self._length, self.tr("Of one cable: 3 m")),
        ):  # fmt: skip
            section.add(LineRow(label, partial(self._shown, field, unit), write, tip))

    def _shown(self, field: str, unit: str) -> str:
        return shown(getattr(self.link(), field), unit)

    def _end(self, end: Endpoint) -> str:
        for element in self._document.design().elements:
            if element.id == end.element:
                member = f" [{end.member}]" if end.member >= 0 else ""
                return f"{element.name}{member}, {end.port}"
        return end.element

    def _put(self, text: str, link: Link) -> None:
        if link != self.link():
            perform(self._document, text, PutLinks((link,)))

    def _rename(self, text: str) -> None:
        self._put(self.tr("Rename link"), msgspec.structs.replace(self.link(), name=text))

    def _count(self, text: str) -> None:
        count = parse_whole(text, 1, MAX_CABLES)
        self._put(self.tr("Set cables"), msgspec.structs.replace(self.link(), count=count))

    def _bandwidth(self, text: str) -> None:
        wanted = self.tr("a bandwidth above 0, such as 400 Gb/s")
        value = read_typed(text, "B/s", 1.0, MAX_RATE, wanted)
        changed = msgspec.structs.replace(self.link(), bandwidth_bytes_per_s=value)
        self._put(self.tr("Set bandwidth"), changed)

    def _latency(self, text: str) -> None:
        wanted = self.tr("a latency, such as 600 ns")
        value = read_typed(text, "s", 0.0, MAX_LATENCY_S, wanted)
        self._put(self.tr("Set latency"), msgspec.structs.replace(self.link(), latency_s=value))

    def _length(self, text: str) -> None:
        wanted = self.tr("a length, such as 3 m")
        value = read_typed(text, "m", 0.0, MAX_LENGTH_M, wanted)
        self._put(self.tr("Set length"), msgspec.structs.replace(self.link(), length_m=value))
