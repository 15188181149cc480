"""What a person signs in with, and what they are called."""

from __future__ import annotations

import re
import unicodedata

from tidegate.errors import InputError

LOGIN = re.compile(r"[\w.+\-@]{2,80}")  # an e-mail address or a short name


def login_of(typed: str) -> str:
    """As it is kept: one spelling, lower case.

    Raises:
        InputError: it is empty, too long, or has blanks or odd signs.
    """
    login = unicodedata.normalize("NFKC", typed).strip().lower()
    if LOGIN.fullmatch(login):
        return login
    raise InputError(
        "people.login_wrong",
        zh="登录名 2 到 80 个字符：邮箱，或字母、数字、汉字，以及 . _ - + @，不能有空格。",
        en="A login has 2 to 80 characters: an e-mail address, or letters, digits and . _ - + @, no blanks.",
        field="login",
    )


def name_of(typed: str) -> str:
    """What others see.

    Raises:
        InputError: there is none, or over 80 characters.
    """
    name = " ".join(typed.split())
    if 1 <= len(name) <= 80:
        return name
    raise InputError(
        "people.name_missing",
        zh="请填写姓名（最多 80 个字），同事在订单时间线上会看到它。",
        en="Give a name of up to 80 characters; colleagues see it on time lines.",
        field="name",
    )
