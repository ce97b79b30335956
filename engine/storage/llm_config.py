"""Reads a model's config.json, as Hugging Face lays it out, into an `LlmSpec`.

Families are in `llm_families`. Parameters are counted from the architecture, not looked up; a
vision tower beside a `text_config` is left out.
"""

import re
from pathlib import Path

import msgspec

from engine.catalog.figures import Confidence, Figure
from engine.catalog.llm_rules import llm_faults
from engine.catalog.llms import Attention, LlmSpec
from engine.cost.llm_counts import active_parameters, total_parameters
from engine.errors import ModelConfigError, UnknownArchitectureError
from engine.scenario.design import Precision
from engine.scenario.own_models import OWN
from engine.storage.config_fields import FILE_NAME, Fields, find_config, read_fields
from engine.storage.llm_families import FAMILIES, Parts, read_generic

NESTED = ("text_config", "llm_config", "language_config")
MAX_NAME = 80
MAX_PARAMETERS = 1_000_000_000_000_000
CONFIG_NAMES = {  # fields of a spec as a config.json calls them, for errors
    "kv_heads": "num_key_value_heads",
    "active_experts": "num_experts_per_tok",
    "moe_intermediate": "moe_intermediate_size",
    "dense_intermediate": "intermediate_size",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "vocabulary": "vocab_size",
    "experts": "num_experts",
    "context_tokens": "max_position_embeddings",
}
CONVENTION = "counted: every weight a token meets, the head included, the input embedding not"


def read_llm_config(path: Path, *, generic: bool = False) -> LlmSpec:
    """The architecture of a config.json, or of the one in a folder; its id begins with `own:`.

    Args:
        path: file or folder.
        generic: read a plain dense or MoE transformer from the standard fields, whatever the
            family: full attention in every layer, a gated feed-forward.

    Raises:
        TooLargeError: the file is over 1 MiB.
        UnknownArchitectureError: no reader knows the family; `generic` may read it.
        ModelConfigError: a field is missing, of another type or cannot be; names it.
    """
    place = find_config(path)
    fields = _language_part(read_fields(place))
    family = _family(fields)
    if generic:
        parts = read_generic(fields)
    elif family in FAMILIES:
        parts = FAMILIES[family](fields)
    else:
        raise _unknown(fields, place)
    return _finish(parts, fields, _name(fields, place), _note(fields, parts, generic=generic))


def own_id(name: str) -> str:
    """The id of an own model of a name: `own:` and the name in small letters, digits and `_`."""
    return OWN + (re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")[:MAX_NAME] or "model")


def _language_part(fields: Fields) -> Fields:
    for name in NESTED:
        inner = fields.inside(name)
        if inner is not None:
            return inner
    return fields


def _family(fields: Fields) -> str:
    return re.sub(r"[\s_\-.]", "", fields.text("model_type")).casefold()


def _unknown(fields: Fields, place: Path) -> ModelConfigError:
    kind = fields.text("model_type") or "(none)"
    try:
        read_generic(fields)
    except ModelConfigError as error:
        lacks = f"and for a generic reading {error.field} {error.reason.partition(': ')[2]}"
        return UnknownArchitectureError(
            place, "model_type", f"'{kind}' is no known architecture, {lacks}", "add what it lacks"
        )
    return UnknownArchitectureError(
        place,
        "model_type",
        f"'{kind}' is no known architecture",
        "read it with --generic as a plain transformer, if it is one",
    )


def _finish(parts: Parts, fields: Fields, name: str, note: str) -> LlmSpec:
    blank = _figure(0.0)
    llm = LlmSpec(
        **parts,
        id=own_id(name),
        name=name,
        vendor="own",
        native_precision=native_precision(fields),
        published_total_parameters=blank,
        published_active_parameters=blank,
        active_convention=CONVENTION,
        source=(FILE_NAME,),
        note=note,
    )
    for fault in llm_faults(llm):
        raise fields.wrong(CONFIG_NAMES.get(fault.field, fault.field), fault.reason)
    total = total_parameters(llm)
    if total > MAX_PARAMETERS:
        raise fields.wrong("hidden_size", f"and the others make {total:.3g} parameters")
    return msgspec.structs.replace(
        llm,
        published_total_parameters=_figure(float(total)),
        published_active_parameters=_figure(float(active_parameters(llm))),
    )


def _figure(value: float) -> Figure:
    return Figure(
        value=value,
        unit="params",
        confidence=Confidence.DERIVED,
        source=(FILE_NAME,),
        date="",
        note="counted from the architecture",
    )


def _note(fields: Fields, parts: Parts, *, generic: bool) -> str:
    told = ["read generically: full attention in every layer, gated"] if generic else []
    unsaid = "sliding_window" in fields and "use_sliding_window" not in fields
    if not generic and unsaid and parts["attention"] is Attention.GQA:
        window = fields.whole("sliding_window")
        if window < parts["context_tokens"]:
            told.append(f"a window of {window} in every layer is counted as full attention")
    if fields.assumed:
        told.append("taken from the family: " + ", ".join(fields.assumed))
    return "; ".join(told)


def _name(fields: Fields, place: Path) -> str:
    """The checkpoint's name: of its folder, of a hub's cache, or as the file itself says."""
    folder = place.resolve().parent
    if folder.parent.name == "snapshots":  # hub cache: models--vendor--name/snapshots/<hash>
        folder = folder.parent.parent
    name = folder.name.rpartition("--")[2] if place.name == FILE_NAME else place.stem
    said = fields.text("_name_or_path").rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    if place.name == FILE_NAME and said and not re.search(r"[a-z0-9].*\d", name, re.IGNORECASE):
        name = said
    kept = "".join(char if char.isprintable() else " " for char in name).strip()[:MAX_NAME]
    return kept or fields.text("model_type") or "model"


def native_precision(fields: Fields) -> str:
    """The format of the checkpoint's weights as `Precision` writes it; empty where unknown."""
    quantised = fields.first_inside("quantization_config")
    if quantised is None:
        kind = fields.text("torch_dtype") or fields.text("dtype")
        return Precision.BF16.value if kind in ("bfloat16", "float16") else ""
    method = quantised.text("quant_method").casefold()
    found = _of_name(f"{method} {quantised.text('quant_algo')} {quantised.text('format')}")
    if found:
        return found
    if quantised.flag("load_in_4bit", default=False):
        return Precision.INT4.value
    bits, kind = _of_groups(quantised)
    return {
        (4, "float"): Precision.NVFP4.value,
        (8, "float"): Precision.FP8.value,
        (4, "int"): Precision.INT4.value,
        (8, "int"): Precision.INT8.value,
    }.get((bits, kind), "")


def _of_name(text: str) -> str:
    said = text.casefold()
    for name in ("nvfp4", "mxfp4", "fp8"):
        if name in said:
            return name
    return Precision.INT8.value if "bitsandbytes" in said and "8bit" in said else ""


def _of_groups(quantised: Fields) -> tuple[int, str]:
    """Bits and kind of the weights of the first group, or of the whole."""
    groups = quantised.inside("config_groups")
    for group in groups.objects() if groups else []:
        weights = group.inside("weights")
        if weights is not None:
            return weights.whole("num_bits", 0, low=0), weights.text("type", "int")
    bits = "bits|w_bit"
    if quantised.flag("load_in_8bit", default=False):
        return 8, "int"
    return quantised.whole(bits, 0, low=0), "int"
