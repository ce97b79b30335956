"""The hash that names a design in results, reports and caches."""

import hashlib

import msgspec

from engine.scenario.design import Design

HASH_DIGITS = 16


def design_hash(design: Design) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the design's canonical JSON.

    Fields are in the order of their records and dictionaries sorted by key, so that equal
    designs have equal hashes whatever file they came from.
    """
    text = msgspec.json.encode(design, order="sorted")
    return hashlib.sha256(text).hexdigest()[:HASH_DIGITS]
