"""The inspector's page for one pool beside the design's own deployment: all that it is."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton

from app.document import Document
from app.panels.deployment_rows import DeploymentRows
from app.panels.edits import models_of, perform
from app.panels.fields import Form, Section
from app.panels.record_rows import RecordRows
from engine.errors import TopologyError
from engine.scenario.design import Deployment, PoolRole
from engine.topology.changes import SetSection


class PoolForm(Form):
    """One pool by its place in the design's list of pools."""

    left = Signal()  # back to the page of the design

    def __init__(self, document: Document, place: int) -> None:
        super().__init__("")
        self._document, self.place = document, place
        self._llms = document.design().llms
        back = QPushButton(self.tr("Back to the design"))
        back.setToolTip(self.tr("The fields of the whole design"))
        back.clicked.connect(self.left)
        self.add_above(back)
        rows = RecordRows(self.pool, self._write)
        served = DeploymentRows(rows, models_of(document))
        self._fill_pool(self.section(self.tr("Pool")), rows)
        served.add_deployment(self.section(self.tr("Deployment")))
        served.add_limits(self.section(self.tr("Scheduler limits")))
        served.add_prefixes(self.section(self.tr("Prefix cache")))
        served.add_autoscale(self.section(self.tr("Autoscaling")))
        self.refresh()

    @property
    def is_outdated(self) -> bool:
        """True if it is gone, or other models have to be offered."""
        design = self._document.design()
        return not 0 <= self.place < len(design.pools) or design.llms != self._llms

    def pool(self) -> Deployment:
        """The pool as it is now.

        Raises:
            TopologyError: it was removed meanwhile.
        """
        pools: tuple[Deployment, ...] = self._document.design().pools
        if not 0 <= self.place < len(pools):
            raise TopologyError(self.tr("The pool"), self.tr("it was removed meanwhile"))
        return pools[self.place]

    def refresh(self) -> None:
        """Shows the values again while the pool exists."""
        if self.place < len(self._document.design().pools):
            self.title.setText(self.tr("Pool {0}").format(self.pool().name))
            super().refresh()

    def _write(self, pool: Deployment, text: str) -> None:
        self.pool()
        pools = list(self._document.design().pools)
        pools[self.place] = pool
        perform(self._document, text, SetSection("pools", tuple(pools)))

    def _fill_pool(self, section: Section, rows: RecordRows) -> None:
        tip = self.tr("What results call these replicas")
        section.add(rows.text("name", self.tr("Name"), tip, required=self.tr("a name")))
        tip = self.tr("Pools of one service answer the same requests")
        section.add(rows.text("service", self.tr("Service"), tip, required=self.tr("a service")))
        roles = [
            (PoolRole.MIXED.value, self.tr("Prefill and decode")),
            (PoolRole.PREFILL.value, self.tr("Prefill")),
            (PoolRole.DECODE.value, self.tr("Decode")),
        ]
        tip = self.tr("Prefill pools hand the KV over to decode pools of their service")
        section.add(rows.choice("role", self.tr("Role"), roles, PoolRole, tip))
