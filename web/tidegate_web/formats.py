"""Dates, ages, money and numbers in the reader's habit and the shop's time zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent
from flask import Flask

from tidegate.domain.money import Money
from tidegate.domain.orders import Issue
from tidegate.sdk.issues import issue_of, issue_text
from tidegate.services.remotes.wording import title_of, words_of
from tidegate.services.view_decisions import Outcome
from tidegate_web import desk
from tidegate_web.attempts import reason_words
from tidegate_web.language import catalogue, known, lang, pick, t

LOCALES = {"zh": Locale.parse("zh_Hans_CN"), "en": Locale.parse("en_GB")}
MINUTE, HOUR, DAY = 60, 3600, 86400


def install(app: Flask) -> None:
    app.jinja_env.filters.update(
        age=age,
        clock=clock,
        code_words=code_words,
        count=count,
        day=day,
        kilos=kilos,
        left=left,
        moment=moment,
        money=money,
        percent=percent,
        stamp=stamp,
    )
    app.jinja_env.globals.update(
        account_title=account_title, compact=compact, reason_words=reason_words, said=said, reason_of=reason_of,
        issue_words=issue_words,
    )  # fmt: skip


def _local(at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(desk.context().timezone))


def moment(at: datetime | None) -> str:
    """11-18 10:41 / 18 Nov 10:41; the year only when it is another one."""
    if at is None:
        return "-"
    local, today = _local(at), _local(desk.context().clock())
    same_year = local.year == today.year
    pattern = {
        ("zh", True): "MM-dd HH:mm",
        ("zh", False): "yyyy-MM-dd HH:mm",
        ("en", True): "d MMM HH:mm",
        ("en", False): "d MMM yyyy HH:mm",
    }[lang(), same_year]
    return format_datetime(local, pattern, tzinfo=local.tzinfo, locale=LOCALES[lang()])


def clock(at: datetime | None) -> str:
    """10:41 today, else date and time."""
    if at is None:
        return "-"
    local = _local(at)
    if local.date() != _local(desk.context().clock()).date():
        return moment(at)
    return local.strftime("%H:%M")


def stamp(at: datetime) -> str:
    """For the `datetime` attribute of <time>."""
    return _local(at).isoformat(timespec="seconds")


def day(on: date | datetime, pattern: str = "") -> str:
    """11-18 / 18 Nov."""
    when = _local(on).date() if isinstance(on, datetime) else on
    chosen = pattern or {"zh": "MM-dd", "en": "d MMM"}[lang()]
    return format_date(when, chosen, locale=LOCALES[lang()])


def age(since: datetime | None, now: datetime | None = None) -> str:
    """How long ago, in its two largest units: 2 时 14 分 / 2 h 14 min."""
    if since is None:
        return "-"
    return lasting((now or desk.context().clock()) - since)


def left(until: datetime) -> str:
    """Time that is left or that has passed since."""
    rest = until - desk.context().clock()
    if rest < timedelta(0):
        return t("common.overdue", age=lasting(-rest))
    return t("common.left", age=lasting(rest))


def lasting(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    units = (("d", DAY), ("h", HOUR), ("min", MINUTE), ("s", 1))
    for position, (name, size) in enumerate(units):
        if seconds >= size or size == 1:
            whole, rest = divmod(seconds, size)
            said = t(f"common.unit_{name}", n=whole)
            if position < 2:
                below, below_size = units[position + 1]
                part = rest // below_size
                said += f" {t(f'common.unit_{below}', n=part)}" if part else ""
            return said
    raise AssertionError("the last unit is one second")


def money(value: Money | None) -> str:
    if value is None:
        return "-"
    return format_currency(value.amount, value.currency, locale=LOCALES[lang()])


def count(value: int | Decimal | None) -> str:
    return "-" if value is None else format_decimal(value, locale=LOCALES[lang()])


def compact(value: int) -> str:
    """For small places: 9,840 stays, 1,234,567 becomes 123万 / 1M."""
    if value < 100_000:
        return count(value)
    return str(format_compact_decimal(value, locale=LOCALES[lang()], fraction_digits=1))


def percent(value: Decimal | None) -> str:
    if value is None:
        return "-"
    return format_percent(value, "#,##0.0%", locale=LOCALES[lang()])


def kilos(weight_g: int | None) -> str:
    if weight_g is None:
        return "-"
    return f"{format_decimal(Decimal(weight_g) / 1000, '0.00', locale=LOCALES[lang()])} kg"


def said(outcome: Outcome | None) -> str:
    """What a decision or a rule asked for: 转人工：地址不完整 等 2 项."""
    if outcome is None:
        return t("order.no_action")
    words = pick(outcome.action)
    if outcome.code:
        words += t("common.colon") + known(f"values.{outcome.code}", pick(outcome.detail))
    if outcome.more:
        words += t("order.and_more", n=outcome.more, sum=outcome.more + 1)
    return words


def reason_of(code: str) -> str:
    """Why a row of a source was rejected, in words; a platform's own code stays as it is."""
    key = f"sync.reasons.{code}"
    return t(key) if key in catalogue() else issue_text(code, lang=lang())


def account_title(connector: str, title: str) -> str:
    return pick(title_of(connector, title))


def code_words(code: str | None) -> str:
    """What a code of another side's error means; "" where nobody wrote it down."""
    if not code:
        return ""
    key = f"said.{code}"
    return t(key) if key in catalogue() else pick(words_of(code))


def issue_words(issue: Issue) -> str:
    """What is odd about an order, with the field's name."""
    return issue_of(issue, lang())
