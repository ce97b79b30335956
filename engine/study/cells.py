"""Measured cells: a row of a table of published results, and the run that stands for it.

A cell says hardware, model, parallelism and load in the words of its source; here they become a
deployment, a list of requests and a concurrency. Nothing measured is read: the columns of results
may be empty. What a source leaves open takes the serving engine's own default, in one place
(`ENGINE_DEFAULTS`), and is named in the plan's `assumed`.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.catalog.catalog import Catalog
from engine.catalog.devices import DeviceKind, DeviceSpec
from engine.catalog.llms import LlmSpec
from engine.cost.memory import chips_per_replica, fit
from engine.errors import FileError
from engine.scenario.design import Deployment, Precision, ServingEngine
from engine.sim.tables import RequestTables

MAX_ROWS = 100_000
MAX_BYTES = 256 * 2**20
MOST_REQUESTS = 30_000
DRAFTED_TOKENS = 3  # of multi-token prediction where a source says only that it is on
ACCEPTED_TOKENS = 2.3  # emitted a step in the mean with three drafted tokens

_PRECISIONS = {
    "fp16": Precision.BF16,
    "bf16": Precision.BF16,
    "fp8": Precision.FP8,
    "fp4": Precision.NVFP4,
    "nvfp4": Precision.NVFP4,
    "mxfp4": Precision.MXFP4,
    "int4": Precision.INT4,
    "awq-int4": Precision.INT4,
    "awq": Precision.INT4,
    "gptq": Precision.INT4,
    "w4a16": Precision.INT4,
    "int8": Precision.INT8,
    "w8a8": Precision.INT8,
}
# requests of the published throughput runs by (input, output) tokens, TensorRT-LLM's own tables
_OFFLINE_REQUESTS = {
    (128, 128): 30_000,
    (128, 2048): 3000,
    (128, 4096): 1500,
    (500, 2000): 3000,
    (1000, 1000): 3000,
    (1000, 2000): 1500,
    (1024, 2048): 1500,
    (2048, 128): 3000,
    (2048, 2048): 1500,
    (5000, 500): 1500,
    (20000, 2000): 1000,
}
OFFLINE_REQUESTS = 3000


class EngineDefaults(NamedTuple):
    """What a serving engine takes where nobody says otherwise."""

    max_num_seqs: int
    max_num_batched_tokens: int
    memory_utilisation: float
    fp8_kv: bool  # KV cache in FP8 when the weights are in 8 bits or fewer


ENGINE_DEFAULTS: Mapping[ServingEngine, EngineDefaults] = {
    ServingEngine.VLLM: EngineDefaults(1024, 8192, 0.90, False),
    ServingEngine.SGLANG: EngineDefaults(2048, 8192, 0.88, False),
    ServingEngine.TENSORRT_LLM: EngineDefaults(2048, 8192, 0.96, True),
    ServingEngine.TENSORRT_ENGINE: EngineDefaults(2048, 8192, 0.96, True),
    ServingEngine.TENSORRT_STATIC: EngineDefaults(2048, 262_144, 0.97, True),
    ServingEngine.VLLM_2023: EngineDefaults(256, 262_144, 0.97, False),
}


STATIC_ENGINES = (ServingEngine.TENSORRT_STATIC, ServingEngine.VLLM_2023)
BLOCK_TOKENS = 16
STATIC_SCENARIOS = ("static-batch", "prefill-latency-b1")
MOST_STATIC_TOKENS = 900_000
MOST_CHIPS = 4096
LONGEST_REQUEST = 10_000_000
MOST_OUTPUT_TOKENS = 60_000_000  # of one run: beyond, a row takes minutes
SMALL_MEMORY_BYTES = 70 * 2**30
LEAST_RESERVE = 0.97  # share of memory for weights and KV where a usual reserve leaves none


class Refused(Exception):  # noqa: N818 - a verdict on a row, no failure of the program
    """Why a row cannot be predicted, in the words of the status column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The run that stands for a cell."""

    chip: DeviceSpec
    llm: LlmSpec
    deployment: Deployment
    requests: RequestTables
    scenario: str
    chips: int  # that the throughput is divided by
    kv_tokens: int | None
    assumed: tuple[str, ...]


def read_rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Header and rows of a CSV file, every cell as text.

    Raises:
        FileError: too large, not UTF-8, no header, or a row with too many cells.
    """
    if path.stat().st_size > MAX_BYTES:
        raise FileError(str(path), f"is larger than {MAX_BYTES >> 20} MiB", "split it")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restkey="\0", restval="")
            names = list(reader.fieldnames or ())
            rows = []
            for number, row in enumerate(reader, start=2):
                if "\0" in row:
                    raise FileError(
                        f"{path} line {number}",
                        "has more cells than the header",
                        "quote cells that hold a comma",
                    )
                rows.append(dict(row))
                if len(rows) > MAX_ROWS:
                    raise FileError(str(path), f"has more than {MAX_ROWS:,} rows", "split it")
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(str(path), f"is no CSV file in UTF-8: {error}", "save it anew") from error
    if not names:
        raise FileError(str(path), "is empty", "give a header and rows")
    return names, rows


def plan(row: Mapping[str, str], catalog: Catalog) -> Plan:
    """The run of a row.

    Raises:
        Refused: with what is unknown, unstated or outside the model.
    """
    chip = _chip(_text(row, "hardware"), catalog)
    if chip is None:
        raise Refused(f"unknown hardware: {_text(row, 'hardware') or 'not stated'}")
    llm = catalog.find_llm(_text(row, "model"))
    if llm is None:
        raise Refused(f"unknown model: {_text(row, 'model') or 'not stated'}")
    scenario = _text(row, "scenario")
    if scenario.startswith("disagg") or "P" in _text(row, "tp"):
        raise Refused("disaggregated: prefill and decode on chips of their own are not modelled")
    note = _text(row, "note")
    engine = engine_of(_text(row, "framework"), note)
    assumed: list[str] = []
    deployment = _deployment(row, llm, chip, engine, note, assumed)
    requests = _requests(row, scenario, note, assumed)
    each = chips_per_replica(deployment)
    replicas = max((_whole(row, "n_accel") or each) // each, 1)
    if replicas > 1:
        assumed.append(f"{replicas} equal replicas that share the load")
        requests = _share(requests, replicas)
    if scenario in STATIC_SCENARIOS:
        whole = int(requests.input_tokens.sum())
        if whole > MOST_STATIC_TOKENS:
            raise Refused(f"a static batch of {whole:,} tokens")
        batched = max(deployment.max_num_batched_tokens, whole)
        deployment = msgspec.structs.replace(deployment, max_num_batched_tokens=batched)
    longest = int((requests.input_tokens + requests.output_tokens).max())
    if longest > llm.context_tokens and llm.context_tokens < longest * 0.999:
        assumed.append(f"{longest:,} tokens in a window of {llm.context_tokens:,}")
    blocks = re.search(r"kv blocks (\d{1,9})\b", note)
    return Plan(
        chip=chip,
        llm=llm,
        deployment=deployment,
        requests=requests,
        scenario=scenario,
        chips=each,
        kv_tokens=_kv_tokens(deployment, llm, chip, requests, blocks, assumed),
        assumed=tuple(assumed),
    )


def _kv_tokens(
    deployment: Deployment,
    llm: LlmSpec,
    chip: DeviceSpec,
    requests: RequestTables,
    blocks: re.Match[str] | None,
    assumed: list[str],
) -> int | None:
    """KV capacity where it is stated, or where what was run does not fit the usual reserve."""
    if blocks:
        return int(blocks[1]) * BLOCK_TOKENS
    longest = int((requests.input_tokens + requests.output_tokens).max()) + BLOCK_TOKENS
    usual = fit(deployment, llm, chip)
    if usual.ok and usual.kv_tokens >= longest and deployment.engine not in STATIC_ENGINES:
        return None
    bare = chip.value("memory_bytes") * LEAST_RESERVE - usual.weight_bytes
    per_token = usual.kv_bytes_per_token
    tokens = int(max(bare, 0.0) / per_token) * deployment.attention_dp if per_token else 0
    if tokens < longest:
        raise Refused(f"does not fit: {usual.reason}")
    if deployment.engine in STATIC_ENGINES:
        return max(tokens, longest * len(requests.input_tokens))
    assumed.append("less memory kept in reserve than usual: it would not fit otherwise")
    return tokens


def _share(requests: RequestTables, replicas: int) -> RequestTables:
    """What one of several equal replicas gets of the load."""
    count = max(len(requests.arrival_s) // replicas, 1)
    return requests._replace(
        arrival_s=requests.arrival_s[::replicas][:count],
        input_tokens=requests.input_tokens[:count],
        output_tokens=requests.output_tokens[:count],
        entry_start=np.zeros(count + 1, np.int64),
        concurrency=-(-requests.concurrency // replicas),
    )


def _chip(name: str, catalog: Catalog) -> DeviceSpec | None:
    """The chip of a name; that of a rack where the name is a rack's."""
    found = catalog.find_device(name)
    if found is not None and found.rack is not None:
        found = catalog.device(found.rack.chip)
    return found if found is not None and found.kind is DeviceKind.CHIP else None


def engine_of(framework: str, note: str = "") -> ServingEngine:
    """The class of serving engine that a framework's name belongs to."""
    name = framework.lower()
    if "gptsession" in note.lower():
        return ServingEngine.TENSORRT_STATIC
    if name.startswith(("trt", "tensorrt")):
        version = re.search(r"(\d+)\.(\d+)", name)
        number = (int(version[1]), int(version[2])) if version else (1, 0)
        if number < (0, 10):
            return ServingEngine.TENSORRT_STATIC
        return ServingEngine.TENSORRT_ENGINE if number < (0, 20) else ServingEngine.TENSORRT_LLM
    if name.startswith(("sglang", "mori-sglang", "dynamo-sglang")):
        return ServingEngine.SGLANG
    if "2023" in name:
        return ServingEngine.VLLM_2023
    return ServingEngine.VLLM


def _text(row: Mapping[str, str], name: str) -> str:
    value = (row.get(name) or "").strip()
    return "" if value.lower() in ("nan", "none", "null", "unknown") else value


def _number(row: Mapping[str, str], name: str) -> float | None:
    text = _text(row, name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise Refused(f"{name} is not a number: {text[:40]}") from None
    if not 0 <= value < 1e9:
        raise Refused(f"{name} is out of range: {text[:40]}")
    return value


def _whole(row: Mapping[str, str], name: str) -> int:
    return int(_number(row, name) or 0)


def _deployment(
    row: Mapping[str, str],
    llm: LlmSpec,
    chip: DeviceSpec,
    engine: ServingEngine,
    note: str,
    assumed: list[str],
) -> Deployment:
    tp, pp = _whole(row, "tp"), max(_whole(row, "pp"), 1)
    if not tp:
        raise Refused("unstated parallelism")
    chips = _whole(row, "n_accel") or tp * pp * max(_whole(row, "dp"), 1)
    stage = max(chips // pp, 1)
    ep, dp = _whole(row, "ep"), _whole(row, "dp")
    if llm.experts and not ep and not dp and engine is ServingEngine.TENSORRT_LLM:
        # its documents run a mixture of experts with attention-DP over all chips, ranks unstated
        ep = dp = stage
        if stage > 1:
            assumed.append(f"attention-DP and EP over {stage} chips")
    ep, dp = max(ep, 1), max(dp, 1)
    if dp > 1 and tp * dp > stage:
        tp = max(stage // dp, 1)
    if not llm.experts:
        ep = 1
    if tp * dp * pp > MOST_CHIPS:
        raise Refused(f"more than {MOST_CHIPS:,} chips of one replica")
    if chips % (tp * dp * pp):
        raise Refused(f"{chips} accelerators are no multiple of TP{tp} x DP{dp} x PP{pp}")
    if (tp * dp) % ep:
        ep = max(d for d in range(1, ep + 1) if (tp * dp) % d == 0)
    precision = precision_of(_text(row, "precision"), llm, chip)
    default = engine_defaults(engine, chip)
    seqs = re.search(r"max_num_seqs (\d{1,5})\b", note)
    budget = re.search(r"max[_-]num[_-]batched[_-]tokens[ =](\d{1,6})\b", note)
    batched = int(budget[1]) if budget else default.max_num_batched_tokens
    sequences = int(seqs[1]) if seqs else default.max_num_seqs
    drafted = _drafted(_text(row, "spec_decode"))
    if drafted:
        assumed.append(f"{drafted} drafted tokens, {ACCEPTED_TOKENS:g} emitted a step")
    narrow = precision is not Precision.BF16
    return Deployment(
        model=llm.id,
        precision=precision,
        kv_precision=Precision.FP8 if default.fp8_kv and narrow else Precision.BF16,
        replicas=1,
        tp=tp,
        pp=pp,
        ep=ep,
        attention_dp=dp,
        # limits are those of one attention rank
        max_num_seqs=min(sequences, batched) * dp,
        max_num_batched_tokens=batched * dp,
        prefix_cache=False,
        memory_utilisation=default.memory_utilisation,
        engine=engine,
        speculative_tokens=drafted,
        acceptance_length=ACCEPTED_TOKENS if drafted else 1.0,
    )


def _drafted(text: str) -> int:
    """Drafted tokens of a word for speculative decoding.

    Raises:
        Refused: a word that is neither a kind of it nor a denial.
    """
    if text.lower() in ("", "no", "false", "0", "off"):
        return 0
    if text.lower() in ("mtp", "eagle", "eagle2", "eagle3", "medusa", "draft", "yes", "true"):
        return DRAFTED_TOKENS
    raise Refused(f"unknown speculative decoding: {text[:40]}")


def engine_defaults(engine: ServingEngine, chip: DeviceSpec) -> EngineDefaults:
    """Defaults of an engine on a chip: vLLM batches less on small or old ones."""
    default = ENGINE_DEFAULTS[engine]
    small = chip.family == "ampere" or chip.value("memory_bytes") < SMALL_MEMORY_BYTES
    if engine is ServingEngine.VLLM and small:
        return default._replace(max_num_seqs=256, max_num_batched_tokens=2048)
    return default


def precision_of(text: str, llm: LlmSpec, chip: DeviceSpec) -> Precision:
    """The weight format that a source's word means for a model on a chip.

    A model that is only published in four bits (gpt-oss) is served in them whatever the column
    says; "fp4" is NVFP4 on NVIDIA's chips and MXFP4 elsewhere.

    Raises:
        Refused: a word that is no known format.
    """
    found = _PRECISIONS.get(text.lower())
    if found is None:
        raise Refused(f"unknown precision: {text or 'not stated'}")
    if llm.native_precision == "mxfp4":
        return Precision.MXFP4
    if found is Precision.NVFP4 and chip.vendor != "NVIDIA":
        return Precision.MXFP4
    return found


def _requests(
    row: Mapping[str, str], scenario: str, note: str, assumed: list[str]
) -> RequestTables:
    inputs, outputs = _number(row, "isl"), _number(row, "osl")
    if not inputs:
        raise Refused("unstated input length")
    if outputs is None:
        raise Refused("unstated output length")
    outputs = max(outputs, 1.0)
    if inputs + outputs > LONGEST_REQUEST:
        raise Refused(f"a request of more than {LONGEST_REQUEST:,} tokens")
    text = _text(row, "concurrency")
    rate = re.fullmatch(r"rate=(\d+(?:\.\d+)?)/s", text)
    if rate and not float(rate[1]) > 0:
        raise Refused(f"a rate of no requests: {text}")
    count, concurrency = _shape_of_load(row, scenario, text, note, inputs, outputs, bool(rate))
    generator = np.random.default_rng(1)
    prompt = _lengths(inputs, count, scenario, note, generator, assumed)
    output = _lengths(outputs, count, scenario, note, generator, [])
    arrival = np.zeros(count)
    if rate:
        arrival = np.cumsum(generator.exponential(1.0 / max(float(rate[1]), 1e-6), count))
    return RequestTables(
        arrival_s=arrival,
        input_tokens=prompt,
        output_tokens=output,
        entry_start=np.zeros(count + 1, np.int64),
        entry=np.empty(0, np.int32),
        entry_tokens=0,
        concurrency=concurrency,
    )


def _shape_of_load(
    row: Mapping[str, str],
    scenario: str,
    text: str,
    note: str,
    inputs: float,
    outputs: float,
    paced: bool,
) -> tuple[int, int]:
    """(requests, concurrency) of a run; concurrency 0 is an open loop."""
    if scenario == "offline-max" or text == "inf":
        whole = (round(inputs), round(outputs))
        return min(_OFFLINE_REQUESTS.get(whole, OFFLINE_REQUESTS), MOST_REQUESTS), 0
    if paced:
        return 600, 0
    stated = re.search(r"(\d{1,6}) requests (all sent at once|max concurrency)", note)
    try:
        clients = int(float(text))
    except (ValueError, OverflowError):
        raise Refused(f"unstated concurrency: {text or 'none'}") from None
    if not 1 <= clients <= 100_000:
        raise Refused(f"concurrency out of range: {text}")
    if scenario in STATIC_SCENARIOS:
        return clients, 0
    if scenario.startswith("burst"):
        return max(1, min(int(stated[1]) if stated else clients, MOST_REQUESTS)), 0
    times = re.search(r"num_prompts=(\d{1,4})\*conc", note)
    count = int(stated[1]) if stated else (int(times[1]) if times else 10) * clients
    return max(1, min(count, MOST_REQUESTS, int(MOST_OUTPUT_TOKENS / outputs))), clients


def _lengths(
    mean: float,
    count: int,
    scenario: str,
    note: str,
    generator: np.random.Generator,
    assumed: list[str],
) -> NDArray[np.int32]:
    span = re.search(r"uniform in \[(\d*\.?\d+), ?(\d*\.?\d+)\]", note)
    if span and float(span[1]) <= float(span[2]):
        low, high = float(span[1]) * mean, float(span[2]) * mean
        drawn = generator.uniform(low, high, count)
    elif scenario.endswith("sharegpt"):
        # conversations: lengths of an exponential law, as ShareGPT's are nearly
        drawn = generator.exponential(mean, count)
        drawn *= mean / max(drawn.mean(), 1e-9)
        assumed.append("exponential lengths")
    else:
        drawn = np.full(count, mean)
    return np.maximum(1, np.rint(drawn)).astype(np.int32)
