"""The inspector's page without a selection: deployment, workload, SLO, prices and run."""

from collections.abc import Callable
from typing import Any

from app.document import Document
from app.jobs.band_job import BandJob
from app.panels.edits import perform
from app.panels.fields import FieldRow, Form, LineRow, Section
from app.panels.memory_bar import MemoryRow
from app.panels.record_rows import RecordRows
from app.panels.step_time import StepTimeRow
from app.panels.workload_rows import add_workload
from engine.errors import UnitError
from engine.scenario.design import CollectiveAlgorithm, Precision, Router, Routing, ServingEngine
from engine.scenario.faults import FaultPolicy
from engine.topology.changes import SetSection

DAY_S = 86_400.0
OFFERED_ENGINES = {  # those of earlier years are there to validate against
    ServingEngine.VLLM.value: "vLLM",
    ServingEngine.SGLANG.value: "SGLang",
    ServingEngine.TENSORRT_LLM.value: "TensorRT-LLM",
}


class DesignForm(Form):
    """What the drawing serves, to whom, within which limits and at which price."""

    def __init__(self, document: Document, bands: BandJob) -> None:
        super().__init__("")
        self._document, self._bands = document, bands
        self.title.setText(self.tr("Design"))
        self._kind = document.design().workload.kind
        self._llms = document.design().llms
        self._fill_design(self.section(self.tr("Document")))
        self._fill_deployment(self.section(self.tr("Deployment")))
        self._fill_limits(self.section(self.tr("Scheduler limits")))
        self._fill_prefixes(self.section(self.tr("Prefix cache")))
        self._fill_autoscale(self.section(self.tr("Autoscaling")))
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

        section.add(LineRow(self.tr("Name"), lambda: document.design().name, rename))
        section.add(
            LineRow(
                self.tr("Note"),
                lambda: document.design().note,
                lambda text: perform(document, self.tr("Edit note"), SetSection("note", text)),
            )
        )

    def _fill_deployment(self, section: Section) -> None:
        models = self._models()
        precisions = [(item.value, item.name) for item in Precision]
        section.add(self._choice("deployment", "model", self.tr("Model"), models, str))
        engines = list(OFFERED_ENGINES.items())
        section.add(
            self._choice("deployment", "engine", self.tr("Engine"), engines, ServingEngine)
        )
        section.add(
            self._choice("deployment", "precision", self.tr("Weights"), precisions, Precision)
        )
        section.add(
            self._choice("deployment", "kv_precision", self.tr("KV cache"), precisions, Precision)
        )
        tip = self.tr("Chips that share each layer of one replica")
        section.add(self._whole("deployment", "tp", self.tr("Tensor parallel"), 1, tip))
        tip = self.tr(
            "Ranks that repeat the attention, each with its own sequences; a replica has tensor "
            "parallel x attention DP x stages chips"
        )
        section.add(self._whole("deployment", "attention_dp", self.tr("Attention DP"), 1, tip))
        tip = self.tr("Stages of layers, one after the other")
        section.add(self._whole("deployment", "pp", self.tr("Pipeline stages"), 1, tip))
        tip = self.tr("Chips that share the experts of each layer")
        section.add(self._whole("deployment", "ep", self.tr("Expert parallel"), 1, tip))
        self._fill_collectives(section)
        tip = self.tr("0: as many as fit on the drawn chips")
        section.add(self._whole("deployment", "replicas", self.tr("Replicas"), 0, tip))
        self._fill_steps(section)
        section.add(MemoryRow(self._document))
        section.add(StepTimeRow(self._document, self._bands))

    def _fill_collectives(self, section: Section) -> None:
        """Which algorithm reduces, in place of the library's choice."""
        algorithms = [
            (CollectiveAlgorithm.AUTO.value, self.tr("Automatic")),
            (CollectiveAlgorithm.RING.value, self.tr("Ring")),
            (CollectiveAlgorithm.TREE.value, self.tr("Double tree")),
            (CollectiveAlgorithm.HALVING_DOUBLING.value, self.tr("Halving-doubling")),
            (CollectiveAlgorithm.ONE_SHOT.value, self.tr("One-shot")),
            (CollectiveAlgorithm.TWO_SHOT.value, self.tr("Two-shot")),
            (CollectiveAlgorithm.IN_SWITCH.value, self.tr("In the switch")),
            (CollectiveAlgorithm.HIERARCHICAL.value, self.tr("Hierarchical")),
        ]
        row = self._choice(
            "deployment",
            "collective_algorithm",
            self.tr("All-reduce"),
            algorithms,
            CollectiveAlgorithm,
        )
        row.setToolTip(
            self.tr(
                "How tensor-parallel ranks reduce. Automatic: the engine's own kernels for small "
                "messages, its library's quickest for large ones. In the switch needs switches "
                "that add up; hierarchical needs ranks in several domains and holds for experts too"
            )
        )
        section.add(row)

    def _fill_network(self, section: Section) -> None:
        """What the drawn network does that no single device of it says."""
        ways = [
            (Routing.SPRAY.value, self.tr("Spray over all")),
            (Routing.ECMP.value, self.tr("One by hash (ECMP)")),
        ]
        row = self._choice("fabric", "routing", self.tr("Equal paths"), ways, Routing)
        row.setToolTip(
            self.tr(
                "What flows do where several paths are equally short. Spray: every packet may take "
                "another one, the load is even. ECMP: a hash puts each flow on one path and one "
                "cable of a bundle, so that flows can meet while other paths are idle"
            )
        )
        section.add(row)

    def _fill_steps(self, section: Section) -> None:
        """Speculative decoding and the balance of experts."""
        tip = self.tr("Tokens drafted for each sequence in a step; 0: no speculative decoding")
        section.add(
            self._whole("deployment", "speculative_tokens", self.tr("Draft tokens"), 0, tip)
        )
        tip = self.tr("Tokens that come out of a step in the mean; 1: no drafted one is accepted")
        section.add(
            self._quantity(
                "deployment",
                "acceptance_length",
                self.tr("Accepted a step"),
                "count",
                1.0,
                65.0,
                tip,
            )
        )
        tip = self.tr(
            "Exponent of the power law of expert popularity; 0: balanced, 1.01: as measured"
        )
        section.add(
            self._quantity(
                "deployment", "expert_skew", self.tr("Expert skew"), "count", 0.0, 3.0, tip
            )
        )

    def _models(self) -> list[tuple[str, str]]:
        """Ids and names of the models to choose from: the design's own first, then the shop's."""
        own = [(llm.id, self.tr("{0} (own)").format(llm.name)) for llm in self._llms]
        shop = [(llm.id, llm.name) for llm in self._document.catalog.llms.values()]
        return own + sorted(shop, key=lambda model: model[1].casefold())

    def _fill_limits(self, section: Section) -> None:
        tip = self.tr("Requests in one batch of a replica")
        section.add(self._whole("deployment", "max_num_seqs", self.tr("Batch slots"), 1, tip))
        tip = self.tr("Tokens that one step may compute")
        section.add(
            self._whole("deployment", "max_num_batched_tokens", self.tr("Tokens a step"), 1, tip)
        )
        section.add(
            self._quantity(
                "deployment",
                "memory_utilisation",
                self.tr("Memory share"),
                "ratio",
                0.05,
                1.0,
                self.tr("Share of chip memory that weights and KV may fill"),
            )
        )
        section.add(self._check("deployment", "chunked_prefill", self.tr("Chunked prefill")))
        routers = [
            (Router.ROUND_ROBIN.value, self.tr("Round robin")),
            (Router.LEAST_LOADED.value, self.tr("Least loaded")),
            (Router.SESSION_STICKY.value, self.tr("Session sticky")),
            (Router.PREFIX_AFFINITY.value, self.tr("Prefix affinity")),
        ]
        section.add(self._choice("deployment", "router", self.tr("Router"), routers, Router))

    def _fill_prefixes(self, section: Section) -> None:
        """How long prefixes are kept, where they go, and who may use them."""
        section.add(self._check("deployment", "prefix_cache", self.tr("Keep prefixes")))
        tip = self.tr(
            "Requests more than the least loaded that a replica with the prefix may have"
        )
        section.add(self._whole("deployment", "affinity_slack", self.tr("Affinity slack"), 0, tip))
        tip = self.tr("A prefix is forgotten so long after its last use; 0: never")
        section.add(
            self._quantity(
                "deployment", "prefix_ttl_s", self.tr("Prefix life"), "s", 0.0, 1e9, tip
            )
        )
        tip = self.tr("GB of host memory that each replica keeps evicted prefixes in; 0: none")
        section.add(
            self._quantity(
                "deployment", "host_kv_gb", self.tr("In host memory"), "GB", 0.0, 1e6, tip
            )
        )
        tip = self.tr("GB on the drawn storage that each replica keeps prefixes in; 0: none")
        section.add(
            self._quantity(
                "deployment", "storage_kv_gb", self.tr("On storage"), "GB", 0.0, 1e6, tip
            )
        )
        section.add(self._check("deployment", "share_prefixes", self.tr("Share prefixes")))

    def _fill_autoscale(self, section: Section) -> None:
        """How many replicas serve as the load comes and goes."""
        rows = self._rows("deployment")
        tip = self.tr("Replicas that always serve; 0: all that there are, no autoscaling")
        section.add(rows.whole("autoscale.min_replicas", self.tr("At least"), 0, tip))
        tip = self.tr("Requests in flight that each replica is wanted for")
        section.add(
            rows.quantity(
                "autoscale.target_in_flight", self.tr("Requests each"), "count", 0.01, 1e6, tip
            )
        )
        for name, label, low, tip in (
            ("every_s", self.tr("Counted every"), 0.1, self.tr("Time between two decisions")),
            ("idle_s", self.tr("Fewer after"), 0.0,
             self.tr("Replicas go if no more were wanted for so long")),
            ("start_s", self.tr("Process start"), 0.0,
             self.tr("After the weights have come from the drawn storage")),
        ):  # fmt: skip
            section.add(rows.quantity(f"autoscale.{name}", label, "s", low, 1e9, tip))

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
        section.add(self._choice("prices", "currency", self.tr("Currency"), currencies, str))
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
    ) -> FieldRow:
        return self._rows(section).choice(name, label, choices, cast)

    def _check(self, section: str, name: str, label: str) -> FieldRow:
        return self._rows(section).check(name, label)

    def _whole(self, section: str, name: str, label: str, low: int, tooltip: str) -> FieldRow:
        return self._rows(section).whole(name, label, low, tooltip)

    def _quantity(
        self, section: str, name: str, label: str, unit: str, low: float, high: float, tooltip: str
    ) -> FieldRow:
        return self._rows(section).quantity(name, label, unit, low, high, tooltip)
