"""The inspector's page without a selection: deployment, workload, SLO, prices and run."""

from collections.abc import Callable
from typing import Any

from app.document import Document
from app.jobs.band_job import BandJob
from app.panels.deployment_rows import DeploymentRows
from app.panels.edits import models_of, perform
from app.panels.fields import FieldRow, Form, LineRow, Section
from app.panels.memory_bar import MemoryRow
from app.panels.record_rows import RecordRows
from app.panels.step_time import StepTimeRow
from app.panels.workload_rows import add_workload
from engine.errors import UnitError
from engine.scenario.design import Routing
from engine.scenario.faults import FaultPolicy
from engine.topology.changes import SetSection

DAY_S = 86_400.0


class DesignForm(Form):
    """What the drawing serves, to whom, within which limits and at which price."""

    def __init__(self, document: Document, bands: BandJob) -> None:
        super().__init__("")
        self._document, self._bands = document, bands
        self.title.setText(self.tr("Design"))
        self._kind = document.design().workload.kind
        self._llms = document.design().llms
        self._fill_design(self.section(self.tr("Document")))
        served = DeploymentRows(self._rows("deployment"), models_of(document))
        section = self.section(self.tr("Deployment"))
        served.add_deployment(section)
        section.add(MemoryRow(document))
        section.add(StepTimeRow(document, bands))
        served.add_limits(self.section(self.tr("Scheduler limits")))
        served.add_prefixes(self.section(self.tr("Prefix cache")))
        served.add_autoscale(self.section(self.tr("Autoscaling")))
        self._fill_network(self.section(self.tr("Network")))
        add_workload(self, self._rows("workload"))
        self._fill_faults(self.section(self.tr("Faults")))
        self._fill_slo(self.section(self.tr("Service level")))
        self._fill_prices(self.section(self.tr("Prices")))
        self._fill_run(self.section(self.tr("Run")))

    @property
    def is_outdated(self) -> bool:
        """True if the kind of workload or the own models changed: other fields have to be shown."""
        design = self._document.design()
        return design.workload.kind is not self._kind or design.llms != self._llms

    def _fill_design(self, section: Section) -> None:
        document = self._document

        def rename(text: str) -> None:
            if not text:
                raise UnitError(text, self.tr("a name"))
            perform(document, self.tr("Rename design"), SetSection("name", text))

        tip = self.tr("What the design is called in titles, lists and exports")
        section.add(LineRow(self.tr("Name"), lambda: document.design().name, rename, tip))
        section.add(
            LineRow(
                self.tr("Note"),
                lambda: document.design().note,
                lambda text: perform(document, self.tr("Edit note"), SetSection("note", text)),
                self.tr("What the design is for and what to look at, in your own words"),
            )
        )

    def _fill_network(self, section: Section) -> None:
        """What the drawn network does that no single device of it says."""
        ways = [
            (Routing.SPRAY.value, self.tr("Spray over all")),
            (Routing.ECMP.value, self.tr("One by hash (ECMP)")),
        ]
        tip = self.tr(
            "What flows do where several paths are equally short. Spray: every packet may take "
            "another one, the load is even. ECMP: a hash puts each flow on one path and one "
            "cable of a bundle, so that flows can meet while other paths are idle"
        )
        section.add(self._choice("fabric", "routing", self.tr("Equal paths"), ways, Routing, tip))

    def _fill_faults(self, section: Section) -> None:
        """What is done about faults; which come and when is in the table below the canvas."""
        rows = self._rows("faults")
        policies = [
            (FaultPolicy.RETRY.value, self.tr("Sent again")),
            (FaultPolicy.MIGRATE.value, self.tr("Move with their KV")),
            (FaultPolicy.FAIL.value, self.tr("Fail")),
            (FaultPolicy.WAIT.value, self.tr("Wait for the repair")),
        ]
        tip = self.tr(
            "What becomes of the requests of a replica that fails. They move with their KV where "
            "no chip has failed, else they are sent again"
        )
        section.add(rows.choice("policy", self.tr("Requests"), policies, FaultPolicy, tip))
        tip = self.tr("Until a router knows of a failure and sends requests elsewhere")
        section.add(rows.quantity("detect_s", self.tr("Noticed after"), "s", 0.0, 1e9, tip))
        tip = self.tr("Of a replica's process, once its parts are whole and its weights are there")
        section.add(rows.quantity("restart_s", self.tr("Restart"), "s", 0.0, 1e9, tip))
        tip = self.tr("Racks that hang on one power feed")
        section.add(rows.whole("racks_a_feed", self.tr("Racks a feed"), 1, tip))

    def _fill_slo(self, section: Section) -> None:
        for name, label, tip in (
            ("ttft_s", self.tr("TTFT"), self.tr("Time to the first token; 0: not asked for")),
            ("tpot_s", self.tr("TPOT"), self.tr("Time per output token; 0: not asked for")),
            ("e2e_s", self.tr("Whole request"), self.tr("Whole latency; 0: not asked for")),
        ):
            section.add(self._quantity("slo", name, label, "s", 0.0, DAY_S, tip))

    def _fill_prices(self, section: Section) -> None:
        currencies = [("CNY", self.tr("CNY (yuan)")), ("USD", self.tr("USD (dollar)"))]
        tip = self.tr("The currency of sums; prices of the other one are converted")
        section.add(self._choice("prices", "currency", self.tr("Currency"), currencies, str, tip))
        tip = self.tr("Yuan for one dollar")
        section.add(
            self._quantity(
                "prices", "cny_per_usd", self.tr("CNY per USD"), "ratio", 0.01, 1e4, tip
            )
        )

    def _fill_run(self, section: Section) -> None:
        tip = self.tr("Simulated time at which a run ends")
        section.add(self._quantity("run", "until_s", self.tr("Horizon"), "s", 1e-3, 1e9, tip))
        tip = self.tr("Simulated time that the figures leave out")
        section.add(self._quantity("run", "warmup_s", self.tr("Warm-up"), "s", 0.0, 1e9, tip))
        tip = self.tr("Equal seed, equal results")
        section.add(self._whole("run", "seed", self.tr("Seed"), 0, tip))

    def _rows(self, section: str) -> RecordRows:
        document = self._document
        return RecordRows(
            lambda: getattr(document.design(), section),
            lambda record, text: perform(document, text, SetSection(section, record)),
        )

    def _choice(
        self,
        section: str,
        name: str,
        label: str,
        choices: list[tuple[str, str]],
        cast: Callable[[str], Any],
        tooltip: str,
    ) -> FieldRow:
        return self._rows(section).choice(name, label, choices, cast, tooltip)

    def _whole(self, section: str, name: str, label: str, low: int, tooltip: str) -> FieldRow:
        return self._rows(section).whole(name, label, low, tooltip)

    def _quantity(
        self, section: str, name: str, label: str, unit: str, low: float, high: float, tooltip: str
    ) -> FieldRow:
        return self._rows(section).quantity(name, label, unit, low, high, tooltip)
