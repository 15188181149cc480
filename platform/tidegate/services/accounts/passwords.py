"""Passwords: argon2id by RFC 9106 (second recommended option), and rules after NIST SP 800-63B section 3.1.1.

Length counts, composition does not; what everybody tries first and the login itself are refused.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from threading import BoundedSemaphore

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from tidegate.errors import InputError

HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4, type=Type.ID)
SHORTEST, LONGEST = 10, 128
_AT_ONCE = BoundedSemaphore(4)  # 64 MiB each: a burst of sign-ins must not fill the memory


def hashed(password: str) -> str:
    with _AT_ONCE:
        return HASHER.hash(_normal(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password; without one to compare with, a stand-in costs the same time."""
    with _AT_ONCE:
        try:
            same = HASHER.verify(kept or _stand_in(), _normal(password))
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
    return same and kept is not None


def is_outdated(kept: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return HASHER.check_needs_rehash(kept)


def checked(password: str, login: str, field: str = "password") -> str:
    """The password, if it may be one.

    Raises:
        InputError: too short, too long, too common, or the login itself.
    """
    plain = _normal(password)
    if len(plain) < SHORTEST:
        raise _refused(
            field, "short",
            f"密码至少 {SHORTEST} 个字符；一句话、几个词都行。",
            f"Use at least {SHORTEST} characters; a sentence or a few words will do.",
        )  # fmt: skip
    if len(plain) > LONGEST:
        raise _refused(
            field, "long", f"密码最多 {LONGEST} 个字符。", f"Use at most {LONGEST} characters."
        )
    if _is_guessable(plain.casefold(), login):
        raise _refused(
            field, "common",
            "这个密码别人一猜就中（常用密码，或与登录名相同）；请换一个。",
            "This is among the first anybody would try (a common one, or the login); choose another.",
        )  # fmt: skip
    return password


def _is_guessable(plain: str, login: str) -> bool:
    name = login.casefold()
    bare = plain.rstrip("0123456789!@#.") or plain
    return (
        plain in _common()
        or bare in {name, name.partition("@")[0], "tidegate", "chaozha"}
        or plain == name
        or len(set(plain)) <= 2
        or plain in "0123456789012345678901234567890"
        or plain in "abcdefghijklmnopqrstuvwxyz"
    )


def _normal(password: str) -> str:
    """The same characters, however the keyboard composes them (NFKC, as 800-63B asks)."""
    return unicodedata.normalize("NFKC", password)


def _refused(field: str, why: str, zh: str, en: str) -> InputError:
    return InputError(f"password.{why}", zh=zh, en=en, field=field)


@cache
def _common() -> frozenset[str]:
    text = files(__package__).joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.split() if line)


@cache
def _stand_in() -> str:
    return HASHER.hash("nobody has this password")
