"""The few system terms of a chip family and a serving engine, with ranges; fitted, not chosen.

They are what operators measured alone do not tell: how much slower or faster kernels run inside a
serving engine than alone, the launches of a layer, the scheduler's time of a step, the front end's
of a request. The values lie in `resources/calibration/serving.json`, written by `make calibrate`,
which also says on how many measured rows each family rests and why.
"""

from functools import lru_cache
from pathlib import Path

import msgspec

from engine.catalog.resources import resource_path
from engine.errors import CatalogError
from engine.scenario.design import Deployment, Precision

_MAX_BYTES = 4_000_000
CLASS = "class"  # the prior of chips without measurements


class Ranged(msgspec.Struct, frozen=True):
    """A value with its 80 % range."""

    value: float
    low: float
    high: float


class FamilyTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Terms of a chip family: factors on times beside the curves of operators measured alone.

    `wide` is BF16, `narrow` every format of eight bits or fewer.
    """

    gemm_wide: Ranged  # GEMMs bound by arithmetic
    gemm_narrow: Ranged
    gemm_memory: Ranged  # GEMMs bound by memory, head, norms
    experts_compute: Ranged
    experts_memory: Ranged
    decode_wide: Ranged  # decode attention by the format of the KV cache
    decode_narrow: Ranged
    prefill_attention: Ranged
    communication: Ranged
    overhead: Ranged  # of the engine's seconds


class EngineTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Terms of a serving engine, shared by all chips; seconds, and a factor on prompts."""

    layer_s: Ranged  # launches and small kernels of one layer
    step_s: Ranged  # scheduler, sampling, input preparation of one step
    sequence_s: Ranged  # per sampled sequence
    eager_s: Ranged  # launches of one layer in a step with prompts, beside layer_s
    frontend_s: Ranged  # of a request outside the chips, before its first token
    prompt: Ranged  # factor on arithmetic-bound work of prompts (1 but for engines of 2023)


FAMILY_TERMS = FamilyTerms.__struct_fields__
ENGINE_TERMS = EngineTerms.__struct_fields__


class Basis(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the terms of a family rest on."""

    kind: str  # "fitted", "shrunken" or "prior"
    rows: int  # measured rows behind them
    clusters: int
    why: str


class Spread(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Quantiles 0.1 and 0.9 of ln(measured / predicted) seconds.

    Of rows that the fit saw and of the same rows held out, half each: what is asked of a
    prediction is some of both.
    """

    low: float
    high: float
    rows: int


class SystemFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of serving.json; family "class" is the prior of chips without measurements."""

    date: str  # of the newest measurement
    families: dict[str, FamilyTerms]
    engines: dict[str, EngineTerms]
    basis: dict[str, Basis]
    spreads: dict[str, dict[str, Spread]]  # metric: family or "all": what the fit leaves


class SystemTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of one deployment: factors of its formats, seconds of its engine."""

    gemm_compute: float
    gemm_memory: float
    experts_compute: float
    experts_memory: float
    decode: float
    prefill_attention: float
    communication: float
    layer_s: float
    step_s: float
    sequence_s: float
    eager_s: float
    frontend_s: float


def terms_path() -> Path:
    """Where the fitted terms lie."""
    return resource_path("calibration", "serving.json")


@lru_cache(maxsize=1)
def load_system() -> SystemFile:
    """The fitted terms of all families and engines.

    Raises:
        CatalogError: the file is missing or not what `make calibrate` writes.
    """
    path = terms_path()
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CatalogError(str(path), "is larger than any fit", "run make calibrate")
        return msgspec.json.decode(path.read_bytes(), type=SystemFile)
    except (OSError, msgspec.DecodeError) as error:
        raise CatalogError(
            str(path), f"cannot be read: {error}", "install again, or run make calibrate"
        ) from error


def family_terms(family: str, system: SystemFile | None = None) -> FamilyTerms:
    """Terms of a family, or of the class where none were fitted."""
    families = (system or load_system()).families
    return families.get(family, families[CLASS])


def basis_of(family: str, system: SystemFile | None = None) -> Basis:
    """What the terms of a family rest on."""
    basis = (system or load_system()).basis
    return basis.get(family, basis[CLASS])


def load_terms(
    family: str, deployment: Deployment, system: SystemFile | None = None
) -> SystemTerms:
    """The terms of a deployment on a chip of a family: of `system`, or the shipped ones."""
    system = system or load_system()
    family_values = {
        name: getattr(family_terms(family, system), name).value for name in FAMILY_TERMS
    }
    engine = system.engines[deployment.engine.value]
    engine_values = {name: getattr(engine, name).value for name in ENGINE_TERMS}
    return resolve(family_values, engine_values, deployment)


def resolve(
    family: dict[str, float], engine: dict[str, float], deployment: Deployment
) -> SystemTerms:
    """The terms that a deployment's formats choose; overheads are the engine's times the family's."""
    narrow = deployment.precision is not Precision.BF16
    narrow_kv = deployment.kv_precision is not Precision.BF16
    scale = family["overhead"]
    return SystemTerms(
        gemm_compute=(family["gemm_narrow"] if narrow else family["gemm_wide"]) * engine["prompt"],
        gemm_memory=family["gemm_memory"],
        experts_compute=family["experts_compute"],
        experts_memory=family["experts_memory"],
        decode=family["decode_narrow"] if narrow_kv else family["decode_wide"],
        prefill_attention=family["prefill_attention"] * engine["prompt"],
        communication=family["communication"],
        layer_s=engine["layer_s"] * scale,
        step_s=engine["step_s"] * scale,
        sequence_s=engine["sequence_s"] * scale,
        eager_s=engine["eager_s"] * scale,
        frontend_s=engine["frontend_s"],
    )
