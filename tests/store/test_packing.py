"""Packed data comes back as it was, for as long as there are rows: the words it points to may not change."""

from __future__ import annotations

import hashlib
import json
import random
import time
import zlib
from typing import Any

import pytest

from tidegate.services.rulebook import Rulebook
from tidegate.store.packing import packed, unpacked, words

SHA256 = "c3ceb939c61b789a74a17977e99372e5ba60c33e2e805192601b798ea2064f2b"


def test_the_words_are_those_that_rows_were_packed_with() -> None:
    assert hashlib.sha256(words()).hexdigest() == SHA256


def test_whatever_json_can_say_comes_back() -> None:
    seed = time.time_ns() % 10**9
    print(f"seed: {seed}")
    chance = random.Random(seed)
    for _ in range(300):
        value = anything(chance, 4)
        assert unpacked(packed(value)) == value


def anything(chance: random.Random, depth: int) -> Any:
    kind = chance.randrange(7 if depth else 5)
    if kind == 5:
        return [anything(chance, depth - 1) for _ in range(chance.randrange(5))]
    if kind == 6:
        return {text(chance): anything(chance, depth - 1) for _ in range(chance.randrange(5))}
    return (None, True, chance.randrange(-(10**12), 10**12), chance.random(), text(chance))[kind]


def text(chance: random.Random) -> str:
    if chance.random() < 0.5:
        start = chance.randrange(len(words()) - 60)
        return words()[start : start + chance.randrange(60)].decode("ascii")
    return "".join(chr(chance.choice((0, 34, 92, 0x7F, 0x6F6E, 0x1F4E6))) for _ in range(9))


def test_what_was_packed_before_there_were_words_is_read() -> None:
    value = [{"id": "unpaid", "leaves": [{"text": "payment.status != 'paid'", "result": True}]}]
    assert unpacked(zlib.compress(json.dumps(value).encode("ascii"), 1)) == value


@pytest.mark.parametrize("harm", ["short", "other words", "changed"])
def test_damage_is_told(harm: str) -> None:
    data = packed({"order": {"total": "129.00 CNY", "state": "received"}, "items": list(range(99))})
    if harm == "short":
        data = data[:-5]
    elif harm == "other words":
        packer = zlib.compressobj(1, zdict=b"something else that was read before")
        data = packer.compress(b'"something else"') + packer.flush()
    else:
        data = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(zlib.error):
        unpacked(data)


def test_a_trace_of_shipped_rules_takes_a_fifth_of_what_it_took() -> None:
    """Traces name rules and conditions: those of the shipped sets are among the words."""
    ids = {rule.id for ruleset in Rulebook().for_gate("review") for rule in ruleset.rules}
    known = json.loads(words()[: words().index(b'}]}{"') + 3].join((b"[", b"]")))
    assert {rule["id"] for rule in known} & ids
    trace = [rule for rule in known if rule["id"] in ids]
    plainly = zlib.compress(json.dumps(trace, separators=(",", ":")).encode("ascii"), 1)
    assert len(packed(trace)) * 5 < len(plainly)
