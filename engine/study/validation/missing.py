"""What the model may lack for a row that it misses: guesses from its configuration, no verdicts."""

from collections.abc import Callable, Mapping

from engine.scenario.design import ServingEngine
from engine.study.cells import Plan

LONG_TOKENS = 16_000
MOST_REASONS = 2

_Test = Callable[[Mapping[str, str], Plan, str], bool]

_REASONS: tuple[tuple[_Test, str], ...] = (
    (
        lambda row, plan, metric: plan.chip.family == "ascend",
        "the family rests on a handful of numbers",
    ),
    (
        lambda row, plan, metric: "crash" in row.get("note", "").lower(),
        "the source notes a crash in this series",
    ),
    (
        lambda row, plan, metric: metric in ("queued-ttft", "burst-ttft"),
        "front end and order of admission while requests wait",
    ),
    (
        lambda row, plan, metric: metric == "ttft",
        "the front end's own time, which differs between servers",
    ),
    (
        lambda row, plan, metric: plan.deployment.attention_dp > 1,
        "uneven ranks of attention-DP",
    ),
    (
        lambda row, plan, metric: plan.deployment.pp > 1,
        "bubbles and hand-over between pipeline stages",
    ),
    (
        lambda row, plan, metric: plan.deployment.engine
        in (ServingEngine.TENSORRT_STATIC, ServingEngine.VLLM_2023),
        "kernels of 2023 and 2024 differ from those measured alone",
    ),
    (
        lambda row, plan, metric: int(plan.requests.input_tokens.max()) > LONG_TOKENS,
        "attention of prompts beyond the measured lengths",
    ),
    (
        lambda row, plan, metric: metric.startswith("burst"),
        "lengths of the requests, of which only the mean is known",
    ),
    (
        lambda row, plan, metric: plan.llm.experts > 0,
        "uneven use of experts, and the engine's choice of expert kernel",
    ),
    (
        lambda row, plan, metric: "client settings not published" in row.get("note", ""),
        "the client's settings, which are not published",
    ),
    (
        lambda row, plan, metric: plan.deployment.tp > 1,
        "fused or overlapped all-reduce of this version",
    ),
)  # fmt: skip


def what_may_be_missing(row: Mapping[str, str], plan: Plan, metric: str, assumed: str) -> str:
    """The first reasons that apply to a row, with what had to be assumed of it."""
    found = [text for applies, text in _REASONS if applies(row, plan, metric)][:MOST_REASONS]
    if assumed:
        found.append(f"assumed: {assumed}")
    return "; ".join(found) or "kernels of this version"
