"""A call with a token that may end at any moment, also between being renewed and being used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tidegate.sdk.account import TokenKeeper

MOST_RENEWALS = 2  # of a call: one that is refused after them is refused for a reason of its own
Answer = TypeVar("Answer")


def with_token(
    tokens: TokenKeeper | None, send: Callable[[str], Answer], refused: Callable[[Answer], bool]
) -> Answer:
    """What `send(token)` answers. Where the platform refused the token it is renewed and the call made again; an
    answer that refuses the last one too is given back, for the caller to raise RemoteCredentials.

    Raises:
        RemoteCredentials: no token can be had. Whatever `send` raises.
    """
    if tokens is None:
        return send("")
    token = tokens.access()
    answer = send(token)
    for _ in range(MOST_RENEWALS):
        if not refused(answer):
            break
        token = tokens.renewed(token)
        answer = send(token)
    return answer
