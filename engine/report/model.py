"""What an LLM takes, as text and as plain data: parameters, weights, KV and constant state."""

from typing import Any

from engine.catalog.llms import Attention, LlmSpec
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
ATTENTION = {
    Attention.GQA: "grouped heads",
    Attention.GQA_WINDOW: "grouped heads, windows",
    Attention.MLA: "latent (MLA)",
    Attention.HYBRID_LINEAR: "grouped heads and linear layers",
}


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
    rows = [
        (
            item.value,
            f"{report['weight_bytes'][item.value] / GIGA:,.1f} GB",
            format_quantity(report["kv_bytes_per_token"][item.value], "B", 4),
            format_quantity(report["state_bytes_per_sequence"][item.value], "B", 4),
        )
        for item in Precision
    ]
    table = aligned([("format", "weights", "KV a token", "state a sequence"), *rows])
    return [f"{llm.name} ({llm.id})", *_architecture_lines(llm), *table, *_note_lines(llm)]


def model_sentences(llm: LlmSpec) -> list[str]:
    """The report of a model as lines that need no columns, for a proportional font."""
    report = model_report(llm)
    formats = []
    for item in Precision:
        state = report["state_bytes_per_sequence"][item.value]
        formats.append(
            f"{item.name}: {report['weight_bytes'][item.value] / GIGA:,.1f} GB weights, "
            f"{format_quantity(report['kv_bytes_per_token'][item.value], 'B', 3)} KV a token"
            + (f", {format_quantity(state, 'B', 3)} state a sequence" if state else "")
        )
    return [*_architecture_lines(llm), "", *formats, *_note_lines(llm)]


def _architecture_lines(llm: LlmSpec) -> list[str]:
    kinds = (
        (llm.full_attention_layers, "with full attention"),
        (window_layers(llm), "with a window"),
        (linear_layers(llm), "with linear attention"),
        (moe_layers(llm), "with experts"),
    )
    layers = ", ".join(f"{count} {kind}" for count, kind in kinds if count)
    window = f", window {llm.window_tokens:,} tokens" if llm.window_tokens else ""
    return [
        f"parameters: {total_parameters(llm) / GIGA:,.2f} B, "
        f"{active_parameters(llm) / GIGA:,.2f} B active",
        f"attention: {ATTENTION[llm.attention]}",
        f"{llm.layers} layers: {layers}",
        f"context: {llm.context_tokens:,} tokens{window}",
        f"native format: {llm.native_precision or 'unknown'}",
    ]


def _note_lines(llm: LlmSpec) -> list[str]:
    return [f"note: {llm.note}"] if llm.note else []
