"""Outcomes remembered by the rules that fired: they are immutable, and few combinations recur."""

from __future__ import annotations

from tidegate.engine.compiled.blocks import Block
from tidegate.engine.compiled.concluding import Conclude, Doubter, Outcomes

Found = int | tuple[int, int, int]
"""Bits of rules that fired; of rules known to be unknown; of rules that are unknown unless one of
their remaining conditions is false. The first alone, as it mostly is, where there are no others.
"""
REMEMBERED = 4_096  # combinations kept per program


class Conclusions:
    """`known` are outcomes by what was found. A rule that only may be unknown and has conditions
    left depends on the facts: then nothing is remembered.
    """

    def __init__(self, block: Block, conclude: Conclude) -> None:
        self.known: dict[Found, Outcomes] = {}
        self._conclude = conclude
        self._left = sum(1 << index for index, nodes in enumerate(block.rest) if nodes)

    def of(self, judged: Found, doubter: Doubter) -> Outcomes | None:
        """The outcome the short way; None when the general way has to look."""
        fired, unclear, maybe = in_three(judged)
        found = self._conclude((indexes(fired), unclear, maybe), doubter)
        if found is not None and not maybe & self._left and len(self.known) < REMEMBERED:
            self.known[judged] = found
        return found


def in_three(found: Found) -> tuple[int, int, int]:
    """With nothing where nothing is in doubt."""
    return found if isinstance(found, tuple) else (found, 0, 0)


def indexes(bits: int) -> list[int]:
    """The places of the ones, ascending."""
    found = []
    while bits:
        index = bits.bit_length() - 1
        found.append(index)
        bits ^= 1 << index
    found.reverse()
    return found
