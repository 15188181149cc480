"""Which finding leads to which verdict: one table, first match wins."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_MASK = re.compile(
    r"\*{2,}|#{2,}|[●•×]{2,}|[xX]{3,}|[\u4e00-\u9fff]\*|\*[\u4e00-\u9fff]|某某|xx(?:路|街|小区|号)"
)
_TEST = re.compile(
    r"测试(?:地址|订单|数据|用|一下|测试|单)|地址测试|^测试\d*$|^试{2,}|\btest\b|asdf|qwer|zxcv|qazwsx|abcabc|12345678|87654321"
    r"|(?:不要|请勿|勿|别|无需|不用|不必|不需要?)(?:再)?(?:发货|发出|寄送|派送|邮寄)|虚拟(?:发货|商品|地址)|(?:补|拍)(?:差价|邮费|运费)|刷单"
    r"|没有地址|无地址|地址(?:待定|不详|未知|保密)|随便(?:填|写|发)|假地址|不知道(?:地址)?$",
    re.IGNORECASE,
)
_REPEATED_RUN = re.compile(r"([\u4e00-\u9fff])\1{3,}|([a-zA-Z])\2{4,}|(\d)\3{5,}")
_REPEATED_WHOLE = re.compile(r"(.)\1{2,}|(.{2,3})\2{2,}")
_PLACE = re.compile(
    r"[0-9零一二三四五六七八九十]|[路街道巷弄号村组栋幢楼室座层院厦场园区校店厂苑庄桥里城站屯队湾坊府寨营岛社街口所局]|公司|大学|学院|医院|银行|驿站|超市|酒店|商行"
)
_MARKS = re.compile(r"[\W_]+")
_SHORTEST_DETAIL = 4


@dataclass(frozen=True, slots=True)
class Facts:
    """What a verdict depends on."""

    line: str = ""
    rest: str = ""
    street: str | None = None
    province: bool = False
    city: bool = False
    needs_district: bool = False
    district: bool = False
    zone: bool = False
    foreign: bool = False
    notes: frozenset[str] = frozenset()

    @property
    def detail(self) -> str:
        return _MARKS.sub("", self.rest)


@dataclass(frozen=True, slots=True)
class Reason:
    """A stable code, what it means for delivery, and what to tell people."""

    code: str
    verdict: str
    zh: str
    en: str

    def text(self, lang: str = "en") -> str:
        return self.zh if lang.lower().startswith("zh") else self.en


_Test = Callable[[Facts], object]
_TABLE: tuple[tuple[str, str, str, str, _Test], ...] = (
    (
        "empty",
        "undeliverable",
        "没有地址，请向买家索取",
        "There is no address: ask the buyer for it",
        lambda f: not f.line and not f.rest,
    ),
    (
        "masked",
        "incomplete",
        "地址已脱敏，请从平台取得明文或加密面单",
        "The address is masked: get the clear text or an encrypted waybill from the shop",
        lambda f: _MASK.search(f.rest),
    ),
    (
        "test_words",
        "suspicious",
        "像测试地址或不发货的订单，请与买家确认",
        "Looks like a test or an order not to be shipped: confirm with the buyer",
        lambda f: _TEST.search(f.rest),
    ),
    (
        "repeated_characters",
        "suspicious",
        "地址由重复字符组成，请与买家确认",
        "The address repeats the same characters: confirm with the buyer",
        lambda f: _REPEATED_RUN.search(f.rest) or _REPEATED_WHOLE.fullmatch(f.detail),
    ),
    (
        "foreign_incomplete",
        "incomplete",
        "境外地址缺城市或地址行，请补全",
        "The foreign address lacks its city or its address line: complete it",
        lambda f: f.foreign and not (f.city and len(f.detail) >= _SHORTEST_DETAIL),
    ),
    (
        "foreign",
        "deliverable",
        "境外地址，仅检查是否完整",
        "A foreign address: checked for completeness only",
        lambda f: f.foreign,
    ),
    (
        "ambiguous_district",
        "incomplete",
        "多个城市有同名区县，请补充城市",
        "Several cities have a district of this name: add the city",
        lambda f: "ambiguous" in f.notes and not f.district,
    ),
    (
        "no_region",
        "undeliverable",
        "认不出省、市、区县，请补全地址",
        "No province, city or district can be made out: complete the address",
        lambda f: not f.province,
    ),
    (
        "guessed_region",
        "incomplete",
        "没有省市区，仅路名或店名中有地名，请核实",
        "No region, only a place name inside a street's or a firm's name: ask the buyer",
        lambda f: "guessed" in f.notes,
    ),
    (
        "contradiction",
        "suspicious",
        "省、市、区县互相矛盾，请与买家确认",
        "Province, city and district contradict one another: confirm with the buyer",
        lambda f: "contradiction" in f.notes,
    ),
    (
        "no_city",
        "incomplete",
        "缺城市，请补全",
        "The city is missing: add it",
        lambda f: not f.city,
    ),
    (
        "no_detail",
        "incomplete",
        "缺街道门牌等详细地址，请补全",
        "Street and number are missing: add them",
        lambda f: _no_detail(f),
    ),
    (
        "no_district",
        "incomplete",
        "缺区县，请补全",
        "The district is missing: add it",
        lambda f: f.needs_district and not f.district and not f.zone,
    ),
    (
        "renamed",
        "deliverable",
        "可送达；旧地名已换成现名",
        "Deliverable; an old place name was replaced by today's",
        lambda f: "renamed" in f.notes,
    ),
    (
        "development_zone",
        "deliverable",
        "可送达；写的是开发区，不是行政区",
        "Deliverable; it names a development zone instead of a district",
        lambda f: f.zone,
    ),
    (
        "ok",
        "deliverable",
        "可送达",
        "Deliverable",
        lambda f: True,
    ),
)

REASONS: dict[str, Reason] = {row[0]: Reason(*row[:4]) for row in _TABLE}


def judge(facts: Facts) -> Reason:
    return next(REASONS[row[0]] for row in _TABLE if row[4](facts))


def _no_detail(facts: Facts) -> bool:
    """Nothing after the town, under four characters in all, or neither a digit nor a word for a
    place."""
    detail = facts.detail
    whole = (facts.street or "") + detail
    return not detail or len(whole) < _SHORTEST_DETAIL or not _PLACE.search(detail)
