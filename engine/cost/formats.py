"""Number formats: what the weights of each part of a model are kept and multiplied in on a chip."""

from typing import NamedTuple

from engine.catalog.devices import DeviceSpec
from engine.catalog.llms import LlmSpec
from engine.cost.llm_counts import other_bits
from engine.cost.operators import ChipRates, NumberFormat
from engine.errors import ScenarioError
from engine.scenario.design import Precision

NOMINAL_MULTIPROCESSORS = 132.0  # of a chip without measurements: its units differ in size
MEASURED_FAMILIES = ("ampere", "ada", "hopper", "blackwell")

# name: bytes of a weight (scales included), bytes of an activation, figures of the arithmetic in
# the order of choice; "|" begins what the chip falls back to, with activations of two bytes.
_FORMATS: dict[str, tuple[float, float, tuple[str, ...]]] = {
    "bf16": (2.0, 2.0, ("bf16_flops",)),
    "fp8": (1.0, 1.0, ("fp8_flops",)),
    "int8": (1.0, 1.0, ("int8_flops", "fp8_flops")),
    "nvfp4": (0.5625, 0.5625, ("fp4_flops",)),
    "mxfp4": (0.53125, 0.53125, ("fp4_flops",)),
    "w4a8": (0.53125, 1.0, ("fp8_flops",)),
    "w4a16": (0.53125, 2.0, ("bf16_flops",)),
    "int4": (0.53125, 2.0, ("bf16_flops",)),
    "w8a16": (1.0, 2.0, ("bf16_flops",)),
}
_FALLBACK = {"fp8": "w8a16", "int8": "w8a16", "nvfp4": "w4a16", "mxfp4": "w4a16", "w4a8": "w4a16"}


class ModelFormats(NamedTuple):
    """Formats of a model's parts on one chip."""

    attention: NumberFormat  # projections of attention
    dense: NumberFormat  # dense feed-forward and shared experts
    experts: NumberFormat
    wide: NumberFormat  # router, head


def chip_rates(chip: DeviceSpec) -> ChipRates:
    """The rates of a chip's data sheet.

    Raises:
        ScenarioError: it has no memory bandwidth or no BF16 figure.
    """
    for name, what in (("memory_bandwidth_bytes_per_s", "memory bandwidth"),
                       ("bf16_flops", "figure for bf16 arithmetic")):  # fmt: skip
        if chip.value(name) <= 0:
            raise ScenarioError(chip.name, f"has no {what}", "give it an own value")
    measured = chip.family in MEASURED_FAMILIES and chip.value("multiprocessors") > 0
    return ChipRates(
        family=chip.family,
        memory_bytes_per_s=chip.value("memory_bandwidth_bytes_per_s"),
        bf16_flops=chip.value("bf16_flops"),
        multiprocessors=chip.value("multiprocessors") if measured else NOMINAL_MULTIPROCESSORS,
    )


def number_format(chip: DeviceSpec, name: str) -> NumberFormat:
    """A format on a chip; one whose arithmetic it lacks keeps its weights and multiplies in BF16.

    Raises:
        ScenarioError: the chip has no figure for any usable arithmetic.
    """
    weight, activation, figures = _FORMATS[name]
    for figure in figures:
        if chip.value(figure) > 0:
            return NumberFormat(name, weight, activation, chip.value(figure))
    if name in _FALLBACK:
        return number_format(chip, _FALLBACK[name])
    raise ScenarioError(chip.name, f"has no figure for {name} arithmetic", "give it an own value")


def model_formats(chip: DeviceSpec, llm: LlmSpec, precision: Precision) -> ModelFormats:
    """Formats of a model's parts when it is served in `precision`.

    A 4-bit checkpoint of a dense model has all its projections in four bits; one of a mixture of
    experts keeps the rest wider, as `engine.cost.llm_counts.other_bits` counts their bytes.
    """
    name = precision.value
    experts = name
    if name == "mxfp4" and chip.value("fp8_flops") > 0 and chip.value("fp4_flops") > 0:
        experts = "w4a8"
    elif name == "mxfp4":
        experts = "w4a16"
    wide = {4.25: experts, 4.5: name, 8.0: "fp8", 16.0: "bf16"}
    attention = wide[other_bits(llm, precision)] if name != "int8" else name
    return ModelFormats(
        attention=number_format(chip, attention),
        dense=number_format(chip, attention),
        experts=number_format(chip, experts),
        wide=number_format(chip, "bf16"),
    )
