"""Which LLM a public name means: ids, names and aliases, with what checkpoints append to them."""

import re
from collections.abc import Iterable

from engine.catalog.llms import LlmSpec

_SEPARATORS = re.compile(r"[\s\-_.]+")
# What checkpoints append to the name of an architecture: the tuning, the format, the month.
_SUFFIX = re.compile(
    r"[\s\-_.]+(instruct|chat|it|hf|base|thinking|turbo|dynamic|tee|"
    r"b?fp?16|b?f16|fp[48]|nvfp4|mxfp4|int[48]|w[48]a(?:8|16)|awq|gptq|mlperf|modelopt|"
    r"0[1-9]\d\d|1[0-2]\d\d|2[3-9][01]\d|v\d(?:[._]\d)?)$",
    re.IGNORECASE,
)


def find_llm_by_name(llms: Iterable[LlmSpec], name: str) -> LlmSpec | None:
    """The one LLM that a name means, or None where none or more than one answers.

    Case, blanks, `-`, `_`, `.` and a vendor before the last `/` do not count; suffixes such as
    -Instruct, -FP8 or -2507 are dropped one by one until a name is known.
    """
    known = list(llms)
    exact = [llm for llm in known if llm.id == name]
    if exact:
        return exact[0]
    tail = name.rpartition("/")[2].strip()
    while tail:
        wanted = _plain(tail)
        found = [llm for llm in known if wanted in _names(llm)]
        if found:
            return found[0] if len(found) == 1 else None
        shorter = _SUFFIX.sub("", tail)
        if shorter == tail:
            return None
        tail = shorter
    return None


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name.rpartition("/")[2]).casefold()


def _names(llm: LlmSpec) -> set[str]:
    return {_plain(text) for text in (llm.id, llm.name, _SUFFIX.sub("", llm.name), *llm.aliases)}
