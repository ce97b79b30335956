"""What an LLM takes, as text and as plain data: parameters, weights, KV and constant state."""

from typing import Any

from engine.catalog.llms import LlmSpec
from engine.cost.llm_counts import (
    KV_BYTES,
    active_parameters,
    counts,
    index_bytes_per_token,
    kv_elements_per_token,
    linear_layers,
    moe_layers,
    mtp_parameters,
    state_bytes_per_sequence_per_chip,
    total_parameters,
    weight_bytes,
    window_layers,
)
from engine.report.tables import aligned
from engine.scenario.design import Precision
from engine.units import format_quantity

GIGA = 1e9


def model_report(llm: LlmSpec) -> dict[str, Any]:
    """What a model takes on one chip without sharding, in SI units, as plain data."""
    return {
        "id": llm.id,
        "name": llm.name,
        "attention": llm.attention.value,
        "layers": {
            "all": llm.layers,
            "full_attention": llm.full_attention_layers,
            "window": window_layers(llm),
            "linear": linear_layers(llm),
            "experts": moe_layers(llm),
        },
        "parameters": {
            "total": total_parameters(llm),
            "active": active_parameters(llm),
            "multi_token_prediction": mtp_parameters(llm),
            **counts(llm)._asdict(),
        },
        "native_precision": llm.native_precision,
        "weight_bytes": {item.value: weight_bytes(llm, item) for item in Precision},
        "kv_bytes_per_token": {
            item.value: kv_elements_per_token(llm) * KV_BYTES[item] + index_bytes_per_token(llm)
            for item in Precision
        },
        "state_bytes_per_sequence": {
            item.value: state_bytes_per_sequence_per_chip(llm, item, 1) for item in Precision
        },
        "window_tokens": llm.window_tokens,
        "context_tokens": llm.context_tokens,
        "note": llm.note,
    }


def model_lines(llm: LlmSpec) -> list[str]:
    """The report of a model as lines of text."""
    report = model_report(llm)
    parameters, layers = report["parameters"], report["layers"]
    kinds = ", ".join(
        f"{count} {name.replace('_', ' ')}" for name, count in layers.items() if count
    )
    rows = [
        (
            item.value,
            f"{report['weight_bytes'][item.value] / GIGA:,.1f} GB",
            format_quantity(report["kv_bytes_per_token"][item.value], "B", 4),
            format_quantity(report["state_bytes_per_sequence"][item.value], "B", 4),
        )
        for item in Precision
    ]
    lines = [
        f"{llm.name} ({llm.id})",
        f"parameters: {parameters['total'] / GIGA:,.2f} B, "
        f"{parameters['active'] / GIGA:,.2f} B active",
        f"attention: {llm.attention.value}; layers: {kinds}",
        f"context: {llm.context_tokens:,} tokens"
        + (f", window {llm.window_tokens:,} tokens" if llm.window_tokens else ""),
        f"native format: {llm.native_precision or 'unknown'}",
        *aligned([("format", "weights", "KV a token", "state a sequence"), *rows]),
    ]
    return [*lines, f"note: {llm.note}"] if llm.note else lines
