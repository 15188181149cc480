"""The known faults of durable-rules that the profile comes near, as questions with known answers.

Each must be answered rightly in the child before the backend is used. A crash is an answer too:
the child is gone before it says that it is ready.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidegate.correlation.network import MAX_FACTS, MAX_STEPS, Network, NetworkError, Pattern

Row = Sequence[int]


def failing(network: Network) -> str:
    """The first question that is answered wrongly, or an empty text."""
    for name, question in QUESTIONS.items():
        try:
            right = question(network)
        except NetworkError:
            right = False
        if not right:
            return name
    return ""


def _pair(network: Network, operator: str, rows: Sequence[Row]) -> bool:
    """Two events with their own flags, the later `v0` compared with the earlier `v1`."""
    pattern = Pattern((True, True), ((), ((operator, "v0", 0, "v1"),)))
    facts = [
        dict(zip(("p", "f0", "f1", "v0", "v1"), (place, *row), strict=True))
        for place, row in enumerate(rows)
    ]
    return network.find(pattern, facts)


def _last_condition_false(network: Network) -> bool:
    """A join whose last own condition is false reads past its array (jruizgit/rules#381)."""
    lonely = Pattern((False, False), ((), (("=", "v0", 0, "v0"), (">", "v1", 0, "v1"))))
    one = [{"p": 0, "v0": 138, "v1": 1}]
    two = [*one, {"p": 1, "v0": 138, "v1": 1}]
    three = [*two, {"p": 2, "v0": 138, "v1": 2}]
    return [network.find(lonely, facts) for facts in (one, two, three, two, one)] == [
        False, False, True, False, False,
    ]  # fmt: skip


def _operators(network: Network) -> bool:
    wanted = {"=": (0, 1, 0), "!=": (1, 0, 1), "<": (1, 0, 0), "<=": (1, 1, 0), ">": (0, 0, 1),
              ">=": (0, 1, 1)}  # fmt: skip
    return all(
        _pair(network, operator, ((1, 0, 0, 5), (0, 1, value, 0))) is bool(right)
        for operator, answers in wanted.items()
        for value, right in zip((4, 5, 6), answers, strict=True)
    )


def _order_of_events(network: Network) -> bool:
    """The later event must come later, whatever was asserted first."""
    forward, backward = ((1, 0, 0, 1), (0, 1, 1, 0)), ((0, 1, 1, 0), (1, 0, 0, 1))
    return _pair(network, "=", forward) and not _pair(network, "=", backward)


def _one_event_twice(network: Network) -> bool:
    """One event must not stand for two."""
    return not _pair(network, "=", ((1, 1, 1, 1),))


def _identities(network: Network) -> bool:
    """Facts are told apart by a 32-bit hash of their id: the last of the longest episode counts."""
    pattern = Pattern((True, True), ((), ()))
    facts = [{"p": place, "f0": 0, "f1": 0} for place in range(MAX_FACTS)]
    facts[0]["f0"] = 1
    if network.find(pattern, facts):
        return False
    facts[-1]["f1"] = 1
    return network.find(pattern, facts)


def _fields(network: Network) -> bool:
    """Fields are told apart by such a hash too: each of many is read as itself."""
    joins = tuple(("=", f"v{2 * n}", 0, f"v{2 * n + 1}") for n in range(24))
    pattern = Pattern((False, False), ((), joins))
    first = {"p": 0, **{f"v{n}": 100 + n for n in range(48)}}
    second = {"p": 1, **{f"v{2 * n}": 101 + 2 * n for n in range(24)}}
    second |= {f"v{2 * n + 1}": 0 for n in range(24)}
    found = network.find(pattern, [first, second])
    wrong = [network.find(pattern, [first, {**second, f"v{2 * n}": 0}]) for n in range(24)]
    return found and not any(wrong)


def _many_conditions(network: Network) -> bool:
    """More than 64 conditions true at one moment are an error; the largest pattern stays below."""
    pattern = Pattern((True,) * MAX_STEPS, ((),) * MAX_STEPS)
    flags = {f"f{n}": 1 for n in range(MAX_STEPS)}
    facts = [{"p": place, **flags} for place in range(MAX_STEPS)]
    return network.find(pattern, facts) and not network.find(pattern, facts[1:])


def _nothing_stays(network: Network) -> bool:
    """Half a match of one episode is not completed by the next, a whole one is not found again."""
    first, second = (1, 0, 0, 5), (0, 1, 6, 0)
    answers = [_pair(network, ">", rows) for _ in range(50) for rows in ((first,), (second,))]
    answers += [_pair(network, ">", (first, second, second)) for _ in range(10)]
    answers += [_pair(network, ">", rows) for rows in ((first,), (second,))]
    return answers == [False] * 100 + [True] * 10 + [False] * 2


def _outside_the_profile(network: Network) -> bool:
    """What the profile forbids is refused before the library sees it: a joined field that one
    fact lacks, numbers that would be rounded, a name of its own.
    """
    pattern = Pattern((False, False), ((), (("=", "v0", 0, "v1"),)))
    whole = {"p": 0, "v0": 1, "v1": 1}
    bad: list[dict[str, int]] = [
        {"p": 0, "v0": 1}, {**whole, "sid": 7}, {**whole, "v0": 2**53}, {**whole, "v0": True},
    ]  # fmt: skip
    for fact in bad:
        try:
            network.find(pattern, [fact])
        except NetworkError:
            continue
        return False
    return True


QUESTIONS: dict[str, Callable[[Network], bool]] = {
    "last_condition_false": _last_condition_false,
    "operators": _operators,
    "order_of_events": _order_of_events,
    "one_event_twice": _one_event_twice,
    "identities": _identities,
    "fields": _fields,
    "many_conditions": _many_conditions,
    "nothing_stays": _nothing_stays,
    "outside_the_profile": _outside_the_profile,
}
