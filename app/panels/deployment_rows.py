"""All fields of a deployment as rows: of the design's own one and of the pools beside it."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from app.panels.fields import Section
from app.panels.record_rows import RecordRows
from engine.scenario.design import CollectiveAlgorithm, Precision, Router, ServingEngine

OFFERED_ENGINES = {  # those of earlier years are there to validate against
    ServingEngine.VLLM.value: "vLLM",
    ServingEngine.SGLANG.value: "SGLang",
    ServingEngine.TENSORRT_LLM.value: "TensorRT-LLM",
}


def _tr(text: str) -> str:
    return QCoreApplication.translate("DesignForm", text)


class DeploymentRows:
    """Adds the fields of one deployment to sections."""

    def __init__(self, rows: RecordRows, models: Sequence[tuple[str, str]]) -> None:
        """Adds nothing yet.

        Args:
            rows: over the deployment.
            models: ids and names to choose from.
        """
        self._rows, self._models = rows, models

    def add_deployment(self, section: Section) -> None:
        """What serves: model, formats and chips of a replica."""
        precisions = [(item.value, item.name) for item in Precision]
        tip = _tr("The LLM that each replica serves; File > Import model adds one of your own")
        section.add(self._rows.choice("model", _tr("Model"), self._models, str, tip))
        engines = list(OFFERED_ENGINES.items())
        tip = _tr("The program that serves: its scheduler, launches and front end cost time too")
        section.add(self._rows.choice("engine", _tr("Engine"), engines, ServingEngine, tip))
        tip = _tr("Format of the weights: fewer bits take less memory and bandwidth")
        section.add(self._rows.choice("precision", _tr("Weights"), precisions, Precision, tip))
        tip = _tr("Format of keys and values: fewer bits make room for more tokens")
        section.add(self._rows.choice("kv_precision", _tr("KV cache"), precisions, Precision, tip))
        tip = _tr("Chips that share each layer of one replica")
        section.add(self._rows.whole("tp", _tr("Tensor parallel"), 1, tip))
        tip = _tr(
            "Ranks that repeat the attention, each with its own sequences; a replica has tensor "
            "parallel x attention DP x stages chips"
        )
        section.add(self._rows.whole("attention_dp", _tr("Attention DP"), 1, tip))
        tip = _tr("Stages of layers, one after the other")
        section.add(self._rows.whole("pp", _tr("Pipeline stages"), 1, tip))
        tip = _tr("Chips that share the experts of each layer")
        section.add(self._rows.whole("ep", _tr("Expert parallel"), 1, tip))
        self._add_collectives(section)
        tip = _tr("0: as many as fit on the drawn chips")
        section.add(self._rows.whole("replicas", _tr("Replicas"), 0, tip))
        self._add_steps(section)

    def _add_collectives(self, section: Section) -> None:
        """Which algorithm reduces, in place of the library's choice."""
        algorithms = [
            (CollectiveAlgorithm.AUTO.value, _tr("Automatic")),
            (CollectiveAlgorithm.RING.value, _tr("Ring")),
            (CollectiveAlgorithm.TREE.value, _tr("Double tree")),
            (CollectiveAlgorithm.HALVING_DOUBLING.value, _tr("Halving-doubling")),
            (CollectiveAlgorithm.ONE_SHOT.value, _tr("One-shot")),
            (CollectiveAlgorithm.TWO_SHOT.value, _tr("Two-shot")),
            (CollectiveAlgorithm.IN_SWITCH.value, _tr("In the switch")),
            (CollectiveAlgorithm.HIERARCHICAL.value, _tr("Hierarchical")),
        ]
        tip = _tr(
            "How tensor-parallel ranks reduce. Automatic: the engine's own kernels for small "
            "messages, its library's quickest for large ones. In the switch needs switches "
            "that add up; hierarchical needs ranks in several domains and holds for experts too"
        )
        section.add(
            self._rows.choice(
                "collective_algorithm",
                _tr("All-reduce"),
                algorithms,
                CollectiveAlgorithm,
                tip,
            )
        )

    def _add_steps(self, section: Section) -> None:
        """Speculative decoding and the balance of experts."""
        tip = _tr("Tokens drafted for each sequence in a step; 0: no speculative decoding")
        section.add(self._rows.whole("speculative_tokens", _tr("Draft tokens"), 0, tip))
        tip = _tr("Tokens that come out of a step in the mean; 1: no drafted one is accepted")
        section.add(
            self._rows.quantity(
                "acceptance_length",
                _tr("Accepted a step"),
                "count",
                1.0,
                65.0,
                tip,
            )
        )
        tip = _tr("Exponent of the power law of expert popularity; 0: balanced, 1.01: as measured")
        section.add(self._rows.quantity("expert_skew", _tr("Expert skew"), "count", 0.0, 3.0, tip))

    def add_limits(self, section: Section) -> None:
        """What a replica may do at once, and how requests find one."""
        tip = _tr("Requests in one batch of a replica")
        section.add(self._rows.whole("max_num_seqs", _tr("Batch slots"), 1, tip))
        tip = _tr("Tokens that one step may compute")
        section.add(self._rows.whole("max_num_batched_tokens", _tr("Tokens a step"), 1, tip))
        section.add(
            self._rows.quantity(
                "memory_utilisation",
                _tr("Memory share"),
                "ratio",
                0.05,
                1.0,
                _tr("Share of chip memory that weights and KV may fill"),
            )
        )
        tip = _tr("Long prompts are computed in pieces beside the tokens of other requests")
        section.add(self._rows.check("chunked_prefill", _tr("Chunked prefill"), tip))
        routers = [
            (Router.ROUND_ROBIN.value, _tr("Round robin")),
            (Router.LEAST_LOADED.value, _tr("Least loaded")),
            (Router.SESSION_STICKY.value, _tr("Session sticky")),
            (Router.PREFIX_AFFINITY.value, _tr("Prefix affinity")),
        ]
        tip = _tr("How a request finds its replica")
        section.add(self._rows.choice("router", _tr("Router"), routers, Router, tip))

    def add_prefixes(self, section: Section) -> None:
        """How long prefixes are kept, where they go, and who may use them."""
        tip = _tr(
            "KV of what was read stays and is not computed again where a prompt begins alike"
        )
        section.add(self._rows.check("prefix_cache", _tr("Keep prefixes"), tip))
        tip = _tr("Requests more than the least loaded that a replica with the prefix may have")
        section.add(self._rows.whole("affinity_slack", _tr("Affinity slack"), 0, tip))
        tip = _tr("A prefix is forgotten so long after its last use; 0: never")
        section.add(self._rows.quantity("prefix_ttl_s", _tr("Prefix life"), "s", 0.0, 1e9, tip))
        tip = _tr("GB of host memory that each replica keeps evicted prefixes in; 0: none")
        section.add(self._rows.quantity("host_kv_gb", _tr("In host memory"), "GB", 0.0, 1e6, tip))
        tip = _tr("GB on the drawn storage that each replica keeps prefixes in; 0: none")
        section.add(self._rows.quantity("storage_kv_gb", _tr("On storage"), "GB", 0.0, 1e6, tip))
        tip = _tr("A replica fetches over the drawn links what only another one has")
        section.add(self._rows.check("share_prefixes", _tr("Share prefixes"), tip))

    def add_autoscale(self, section: Section) -> None:
        """How many replicas serve as the load comes and goes."""
        tip = _tr("Replicas that always serve; 0: all that there are, no autoscaling")
        section.add(self._rows.whole("autoscale.min_replicas", _tr("At least"), 0, tip))
        tip = _tr("Requests in flight that each replica is wanted for")
        section.add(
            self._rows.quantity(
                "autoscale.target_in_flight", _tr("Requests each"), "count", 0.01, 1e6, tip
            )
        )
        for name, label, low, tip in (
            ("every_s", _tr("Counted every"), 0.1, _tr("Time between two decisions")),
            ("idle_s", _tr("Fewer after"), 0.0,
             _tr("Replicas go if no more were wanted for so long")),
            ("start_s", _tr("Process start"), 0.0,
             _tr("After the weights have come from the drawn storage")),
        ):  # fmt: skip
            section.add(self._rows.quantity(f"autoscale.{name}", label, "s", low, 1e9, tip))
