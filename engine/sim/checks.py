"""What no run can have: limits of schedulers, horizons and seeds out of range."""

import math

from engine.cost.memory import chips_per_replica
from engine.errors import ScenarioError
from engine.scenario.design import Deployment
from engine.scenario.scenario import Scenario

MAX_BATCHED_TOKENS = 1_000_000
MAX_SHARDS = 1_000_000
LONGEST_S = 1e9  # thirty years


def check_range(
    what: str, value: float, low: float, high: float, *, above_low: bool = False
) -> None:
    """Refuses a figure outside a range; `what` is the thing and the name of the field.

    Args:
        what: where the figure is.
        value: it.
        low: least that it may be.
        high: most that it may be.
        above_low: the least itself is too small.

    Raises:
        ScenarioError: names the field, the value and the range.
    """
    if low < value <= high or (value == low and not above_low):
        return
    least = f"above {low:g}" if above_low else f"from {low:g}"
    raise ScenarioError(what, f"it is {value:g}", f"set a value {least} to {high:g}")


def check_run(scenario: Scenario) -> None:
    """Refuses a horizon, seed or number of requests that no run can have.

    Raises:
        ScenarioError: names the number.
    """
    workload = scenario.design.workload
    if not (math.isfinite(scenario.until_s) and scenario.until_s > 0):
        raise ScenarioError("run", f"its end is at {scenario.until_s} s", "set a time above 0")
    if not 0 <= scenario.seed < 2**63:
        raise ScenarioError("run", f"its seed is {scenario.seed}", "use 0 to 2^63 - 1")
    if workload.requests < 0:
        raise ScenarioError(
            "workload", f"it asks for {workload.requests} requests", "use 0 or more"
        )


def check_deployment(deployment: Deployment) -> None:
    """Refuses limits that no scheduler can work with.

    Raises:
        ScenarioError: a count below one, or a memory share outside 0..1.
    """
    for name in (
        "tp",
        "pp",
        "ep",
        "attention_dp",
        "max_num_seqs",
        "max_num_batched_tokens",
        "kv_block_tokens",
    ):
        if getattr(deployment, name) < 1:
            raise ScenarioError(
                f"deployment {name}", f"it is {getattr(deployment, name)}", "set it to 1 or more"
            )
    if (deployment.tp * deployment.attention_dp) % deployment.ep:
        raise ScenarioError(
            "deployment ep",
            f"{deployment.ep} expert ranks do not divide the TP{deployment.tp} x "
            f"DP{deployment.attention_dp} chips of a stage",
            "set EP to a divisor of TP x attention-DP",
        )
    if not 0 <= deployment.speculative_tokens <= 64 or not (
        1.0 <= deployment.acceptance_length <= deployment.speculative_tokens + 1
    ):
        raise ScenarioError(
            "deployment acceptance_length",
            f"{deployment.acceptance_length:g} tokens of a step with "
            f"{deployment.speculative_tokens} drafted ones",
            "draft 0 to 64 tokens and accept from 1 to one more than are drafted",
        )
    if not 0.0 <= deployment.expert_skew <= 3.0:
        raise ScenarioError(
            "deployment expert_skew", f"it is {deployment.expert_skew:g}", "set 0 to 3"
        )
    _check_prefixes(deployment)
    if deployment.max_num_batched_tokens < deployment.max_num_seqs:
        raise ScenarioError(
            "deployment max_num_batched_tokens",
            f"{deployment.max_num_batched_tokens} is less than max_num_seqs "
            f"{deployment.max_num_seqs}: a step cannot give every sequence its token",
            "raise the one or lower the other",
        )
    largest = max(deployment.max_num_batched_tokens, deployment.kv_block_tokens)
    if largest > MAX_BATCHED_TOKENS or chips_per_replica(deployment) * deployment.ep > MAX_SHARDS:
        raise ScenarioError(
            "deployment",
            f"it asks for {largest:,} tokens a step or block and TP{deployment.tp} x "
            f"PP{deployment.pp}, EP{deployment.ep}",
            f"stay below {MAX_BATCHED_TOKENS:,} tokens and {MAX_SHARDS:,} shards",
        )
    if deployment.replicas < 0:
        raise ScenarioError("deployment replicas", "it is negative", "set 0 for as many as fit")
    if not 0.0 < deployment.memory_utilisation <= 1.0:
        raise ScenarioError(
            "deployment memory_utilisation",
            f"it is {deployment.memory_utilisation}",
            "set a share between 0 and 1",
        )


def _check_prefixes(deployment: Deployment) -> None:
    """Refuses prefix caches that cannot be."""
    for name in ("prefix_ttl_s", "host_kv_gb", "storage_kv_gb", "affinity_slack"):
        check_range(f"deployment {name}", getattr(deployment, name), 0, 1e9)
    elsewhere = deployment.share_prefixes or deployment.host_kv_gb or deployment.storage_kv_gb
    if elsewhere and not (deployment.prefix_cache and deployment.chunked_prefill):
        raise ScenarioError(
            "deployment prefix_cache",
            "prefixes are to come from lower tiers or other replicas, which needs the prefix cache "
            "and chunked prefill",
            "turn both on, or set the tiers to 0 and share_prefixes off",
        )


def check_autoscale(deployment: Deployment, replicas: int) -> None:
    """Refuses figures that no scaling of so many placed replicas can have.

    Raises:
        ScenarioError: names the figures.
    """
    rule, what = deployment.autoscale, f"pool {deployment.name}: autoscale"
    check_range(f"{what} min_replicas", rule.min_replicas, 0, replicas)
    if not rule.min_replicas:
        return
    check_range(f"{what} target_in_flight", rule.target_in_flight, 0, LONGEST_S, above_low=True)
    check_range(f"{what} every_s", rule.every_s, 0.1, LONGEST_S)
    for name in ("idle_s", "start_s"):
        check_range(f"{what} {name}", getattr(rule, name), 0, LONGEST_S)
