"""The hash that names a design in results, reports and caches."""

import hashlib

import msgspec

from engine.scenario.design import Design

HASH_DIGITS = 16


def design_hash(design: Design) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the design's canonical JSON.

    Keys are sorted and numbers have the type of their field (1 where a float belongs is 1.0), so
    that equal designs have equal hashes whatever file they came from.
    """
    typed = msgspec.convert(msgspec.to_builtins(design), Design)
    text = msgspec.json.encode(typed, order="sorted")
    return hashlib.sha256(text).hexdigest()[:HASH_DIGITS]
