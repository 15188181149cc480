"""What needs a call for each is gathered past calls that fail now and then; nothing is lost, nobody is hammered."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from tidegate.errors import (
    RemoteBroken,
    RemoteCredentials,
    RemoteRefused,
    RemoteRetry,
    TidegateError,
)
from tidegate.sdk.gathering import MOST_IN_A_ROW, MOST_ROUNDS, gather


def later(**fields: object) -> RemoteRetry:
    return RemoteRetry("remote.no_answer", zh="会自动重试。", en="It is tried again.", **fields)


class Desk:
    """Answers `n * 10`; call number k fails with what `troubles` says of k."""

    def __init__(self, troubles: Callable[[int], TidegateError | None]) -> None:
        self.asked: list[int] = []
        self._troubles = troubles

    def ask(self, key: int) -> int:
        self.asked.append(key)
        trouble = self._troubles(len(self.asked))
        if trouble is not None:
            raise trouble
        return key * 10


def test_one_that_fails_is_asked_for_again_after_the_others() -> None:
    desk = Desk({2: later()}.get)
    some = gather([1, 2, 3], desk.ask)
    assert desk.asked == [1, 2, 3, 2]
    assert list(some.found.items()) == [(1, 10), (2, 20), (3, 30)]
    assert (some.left, some.error, some.away) == ((), None, False)


def test_one_that_goes_on_failing_is_left_and_keeps_no_other_back() -> None:
    """An answer that nobody can read counts like none."""
    last = RemoteBroken("remote.not_json", zh="看不懂。", en="Not understood.")
    desk = Desk({1: later(), 4: later(), 5: last}.get)
    some = gather([1, 2, 3], desk.ask)
    assert desk.asked == [1, 2, 3, 1, 1]
    assert (some.found, some.left, some.error) == ({2: 20, 3: 30}, (1,), last)


def test_nobody_is_asked_more_often_than_in_so_many_rounds() -> None:
    desk = Desk(lambda n: later() if n in (1, 3, 4, 6, 7, 9) else None)
    some = gather([1, 2, 3, 4, 5], desk.ask)
    assert max(Counter(desk.asked).values()) <= MOST_ROUNDS
    assert {*some.found, *some.left} == {1, 2, 3, 4, 5}


def test_several_in_a_row_mean_that_nobody_answers() -> None:
    desk = Desk(lambda _: later())
    some = gather(range(9), desk.ask)
    assert len(desk.asked) == MOST_IN_A_ROW
    assert (some.found, some.left, some.away) == ({}, tuple(range(9)), True)


def test_a_platform_that_says_when_to_come_again_is_left_alone_till_then() -> None:
    desk = Desk({2: later(retry_after_s=5)}.get)
    some = gather([1, 2, 3], desk.ask)
    assert desk.asked == [1, 2]
    assert (some.found, some.left, some.away) == ({1: 10}, (2, 3), True)
    assert some.error is not None
    assert some.error.fields["retry_after_s"] == 5


def test_refused_credentials_end_it_and_what_was_found_is_kept() -> None:
    refused = RemoteCredentials("x.27", zh="授权已失效。", en="The authorisation is over.")
    desk = Desk({1: later(), 3: refused}.get)
    some = gather([1, 2, 3, 4], desk.ask)
    assert desk.asked == [1, 2, 3]
    assert (some.found, some.left, some.error, some.away) == ({2: 20}, (1, 3, 4), refused, True)


def test_what_is_refused_for_good_is_the_callers() -> None:
    desk = Desk({2: RemoteRefused("x.15", zh="没有这笔交易。", en="No such trade.")}.get)
    with pytest.raises(RemoteRefused):
        gather([1, 2, 3], desk.ask)


def test_whatever_fails_every_key_is_found_or_left() -> None:
    seed = random.randrange(1_000_000)
    print("seed", seed)
    rng, most = random.Random(seed), 0
    for _ in range(300):
        share, keys = rng.choice((0.05, 0.3, 0.7)), range(rng.randrange(1, 30))
        desk = Desk(lambda _, share=share: later() if rng.random() < share else None)
        some = gather(keys, desk.ask)
        assert [*some.found] == sorted(some.found)
        assert sorted([*some.found, *some.left]) == list(keys)
        assert bool(some.left) == (some.error is not None)
        most = max(most, len(some.left))
    assert most, "nothing was left in any of the rounds: nothing was checked"
