"""The inspector's page for one tenant: its whole workload, its service level and its rights."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton

from app.document import Document
from app.panels.edits import perform
from app.panels.fields import ChoiceRow, Form, Section
from app.panels.record_rows import RecordRows
from app.panels.tenant_edits import services_of, with_profile
from app.panels.workload_rows import add_workload
from engine.errors import TopologyError
from engine.scenario.design import Tenant
from engine.topology.changes import SetSection
from engine.workload.profiles import shipped_profiles

DAY_S = 86_400.0
MOST_WAIT_S = 1e9
PRIORITIES = 4


class TenantForm(Form):
    """One tenant by its place in the design's list."""

    left = Signal()  # back to the page of the design

    def __init__(self, document: Document, place: int) -> None:
        super().__init__("")
        self._document, self.place = document, place
        self._kind = self.tenant().workload.kind
        self._services = services_of(document)
        back = QPushButton(self.tr("Back to the design"))
        back.setToolTip(self.tr("The fields of the whole design"))
        back.clicked.connect(self.left)
        self.add_above(back)
        rows = RecordRows(self.tenant, self._write)
        self._fill_tenant(self.section(self.tr("Tenant")), rows)
        add_workload(self, rows.inner("workload", self.tr("workload")))
        self._fill_slo(self.section(self.tr("Service level")), rows)
        self._fill_rights(self.section(self.tr("Rights")), rows)
        self.refresh()

    @property
    def is_outdated(self) -> bool:
        """True if it is gone, or other fields or services have to be shown."""
        tenants = self._document.design().tenants
        return (
            not 0 <= self.place < len(tenants)
            or tenants[self.place].workload.kind is not self._kind
            or services_of(self._document) != self._services
        )

    def tenant(self) -> Tenant:
        """The tenant as it is now.

        Raises:
            TopologyError: it was removed meanwhile.
        """
        tenants: tuple[Tenant, ...] = self._document.design().tenants
        if not 0 <= self.place < len(tenants):
            raise TopologyError(self.tr("The tenant"), self.tr("it was removed meanwhile"))
        return tenants[self.place]

    def refresh(self) -> None:
        """Shows the values again while the tenant exists."""
        if self.place < len(self._document.design().tenants):
            self.title.setText(self.tr("Tenant {0}").format(self.tenant().name))
            super().refresh()

    def _write(self, tenant: Tenant, text: str) -> None:
        self.tenant()
        tenants = list(self._document.design().tenants)
        tenants[self.place] = tenant
        perform(self._document, text, SetSection("tenants", tuple(tenants)))

    def _fill_tenant(self, section: Section, rows: RecordRows) -> None:
        section.add(
            rows.text("name", self.tr("Name"), self.tr("Who asks"), required=self.tr("a name"))
        )
        tip = self.tr("What it asks: a service of the pools")
        section.add(rows.choice("service", self.tr("Service"), self._services, str, tip))
        priorities = [(str(number), str(number)) for number in range(PRIORITIES)]
        tip = self.tr("0 is admitted first and pushed out last")
        section.add(rows.choice("priority", self.tr("Priority"), priorities, int, tip))
        tip = self.tr("Published statistics; choosing one draws all figures of the workload anew")
        section.add(
            ChoiceRow(
                self.tr("Profile"),
                [(name, profile.name) for name, profile in shipped_profiles().items()],
                lambda: self.tenant().workload.profile,
                self._set_profile,
                tip,
            )
        )

    def _set_profile(self, name: str) -> None:
        tenant = self.tenant()
        changed = with_profile(self._document, tenant, name)
        if changed != tenant:
            self._write(changed, self.tr("Set profile"))

    def _fill_slo(self, section: Section, rows: RecordRows) -> None:
        for name, label, tip in (
            ("slo.ttft_s", self.tr("TTFT"), self.tr("Time to the first token; 0: not asked for")),
            ("slo.tpot_s", self.tr("TPOT"), self.tr("Time per output token; 0: not asked for")),
            ("slo.e2e_s", self.tr("Whole request"), self.tr("Whole latency; 0: not asked for")),
        ):
            section.add(rows.quantity(name, label, "s", 0.0, DAY_S, tip))

    def _fill_rights(self, section: Section, rows: RecordRows) -> None:
        tip = self.tr("Requests a second that are let in, more wait at the gate; 0: no limit")
        section.add(rows.quantity("rate_limit_per_s", self.tr("Rate limit"), "1/s", 0.0, 1e6, tip))
        tip = self.tr("Requests that may come at once before the rate limit holds them")
        section.add(rows.whole("burst", self.tr("Burst"), 1, tip))
        tip = self.tr(
            "At the gate for the rate limit; a request that would wait longer is refused"
        )
        section.add(
            rows.quantity("longest_wait_s", self.tr("Longest wait"), "s", 0.0, MOST_WAIT_S, tip)
        )
        tip = self.tr("Requests beyond the gate at once; 0: no limit")
        section.add(rows.whole("most_in_flight", self.tr("In flight"), 0, tip))
        tip = self.tr("Requests that wait at the gate for those in flight; more are refused")
        section.add(rows.whole("most_held", self.tr("Most held"), 0, tip))
