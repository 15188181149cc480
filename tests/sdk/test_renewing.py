"""A token may end between being renewed and being used; one that is refused for good is told, and not renewed for ever."""

from __future__ import annotations

import pytest

from tidegate.errors import RemoteCredentials
from tidegate.sdk.renewing import MOST_RENEWALS, with_token


class Keeper:
    """Gives token-1, token-2, …"""

    def __init__(self) -> None:
        self.given, self.stale = 1, list[str]()

    def access(self) -> str:
        return f"token-{self.given}"

    def renewed(self, stale: str) -> str:
        self.stale.append(stale)
        self.given += 1
        return self.access()


@pytest.mark.parametrize("ends", range(MOST_RENEWALS + 1))
def test_a_token_that_ends_so_often_within_a_call_is_renewed(ends: int) -> None:
    keeper, over = Keeper(), {f"token-{n}" for n in range(1, ends + 1)}
    answer = with_token(keeper, lambda token: token, lambda found: found in over)
    assert answer == f"token-{ends + 1}"
    assert keeper.stale == [f"token-{n}" for n in range(1, ends + 1)]


def test_one_that_is_refused_once_more_is_given_back() -> None:
    keeper = Keeper()
    assert with_token(keeper, lambda token: token, lambda _: True) == f"token-{MOST_RENEWALS + 1}"
    assert len(keeper.stale) == MOST_RENEWALS


def test_an_account_without_tokens_calls_without_one() -> None:
    assert with_token(None, lambda token: (token,), lambda _: True) == ("",)


def test_no_token_to_be_had_is_the_owners_affair() -> None:
    class Over(Keeper):
        def renewed(self, stale: str) -> str:
            raise RemoteCredentials("x.27", zh="授权已失效。", en="The authorisation is over.")

    with pytest.raises(RemoteCredentials):
        with_token(Over(), lambda token: token, lambda _: True)
