"""What a person may say about an import: the gate, the set's id, what names mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tidegate.engine.vocabulary import Gate, Vocabulary
from tidegate.errors import InputError


@dataclass(frozen=True)
class Options:
    """`targets` maps names of the file to a fact (`order.total`, `custom.age`, `custom.age:number`)
    or to an action (`tag`, `hold.reason`), and single values to actions (`Status/Approved` to
    `approve`). Bare amounts are in `currency`, times without offset in `timezone`.
    """

    gate: str = "review"
    id: str = ""
    targets: Mapping[str, str] = field(default_factory=dict)
    action: str = ""
    currency: str = "CNY"
    timezone: str = "Asia/Shanghai"

    def gate_of(self, vocabulary: Vocabulary) -> Gate:
        """Raises InputError."""
        if self.gate in vocabulary.gates:
            return vocabulary.gates[self.gate]
        listed = ", ".join(vocabulary.gates)
        raise InputError(
            "interchange.unknown_gate",
            zh=f"没有关口 {self.gate}；可用：{listed}。",
            en=f"There is no gate {self.gate}; known: {listed}.",
            gate=self.gate,
        )
