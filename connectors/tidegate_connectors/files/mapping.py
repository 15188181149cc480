"""A mapping file: which column of whose export is which field of our order. Described in
docs/import.md.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tidegate.errors import ConfigError
from tidegate.sdk.fields import OrderField, order_fields
from tidegate_connectors.files.converters import CONVERTERS, STEPS
from tidegate_connectors.files.encoding import DEFAULT_ENCODINGS

FORMAT = "mapping/1"
FILLS = ("item.line_total", "item.unit_price", "order.goods_total", "order.total")
TOP = {
    "tidegate", "id", "title", "channel", "shop", "timezone", "currency", "encodings", "quotes",
    "blank", "shape", "source", "fill_in", "cancelled_lines_are_negative", "files",
}  # fmt: skip
FILE = {"rows", "fields", "items", "extra"}
COLUMN = {
    "column",
    "join",
    "convert",
    "values",
    "default",
    "constant",
    "required",
    "flag_blank",
    "sum",
}


@dataclass(frozen=True, slots=True)
class Column:
    """Where one field's text comes from and what is done to it."""

    names: tuple[str, ...] = ()
    join: tuple[str, ...] = ()
    convert: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    constant: str | None = None
    required: bool = False
    flag_blank: bool = False
    sum: bool = False


@dataclass(frozen=True, slots=True)
class FileMapping:
    """One kind of file. `rows` is `order` (one row an order) or `line` (one row a line)."""

    role: str
    rows: str
    fields: Mapping[str, Column]
    items: Mapping[str, Column]
    extra: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderMapping:
    """A whole mapping, checked."""

    id: str
    title: Mapping[str, str]
    channel: str
    shop: Column
    timezone: ZoneInfo
    currency: Column
    encodings: tuple[str, ...]
    quotes: bool
    blank: frozenset[str]
    document: bool
    fill_in: frozenset[str]
    cancelled_lines_are_negative: bool
    files: Mapping[str, FileMapping]


def shipped() -> list[str]:
    """Ids of the mappings that come with Tidegate."""
    folder = files("tidegate_connectors.files").joinpath("mappings")
    return sorted(
        item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")
    )


def load_mapping(name: str) -> OrderMapping:
    """A shipped mapping by id, or a file by its path (anything that ends in .yaml or .yml or has
    a folder).

    Raises:
        ConfigError: there is no such mapping, or it is not valid; every problem is listed.
    """
    if name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name:
        path = Path(name)
        if not path.is_file():
            raise ConfigError(
                "mapping.unknown",
                zh=f"找不到映射文件 {path.name}；请检查路径。",
                en=f"There is no mapping file {path.name}; check the path.",
                name=path.name,
            )
        return parse_mapping(path.read_text(encoding="utf-8"), path.name)
    if name not in shipped():
        near = difflib.get_close_matches(name, shipped(), n=1)
        raise ConfigError(
            "mapping.unknown",
            zh=f"没有名为 {name} 的映射；可用：{'、'.join(shipped())}。"
            + (f"是否想用 {near[0]}？" if near else ""),
            en=f"There is no mapping {name!r}; shipped: {', '.join(shipped())}."
            + (f" Did you mean {near[0]}?" if near else ""),
            name=name,
        )
    text = (
        files("tidegate_connectors.files").joinpath("mappings", f"{name}.yaml").read_text("utf-8")
    )
    return parse_mapping(text, f"{name}.yaml")


def parse_mapping(text: str, name: str) -> OrderMapping:
    """YAML text to a checked mapping.

    Raises:
        ConfigError: with every problem found, each with its place.
    """
    try:
        data = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, RecursionError) as error:
        where = getattr(error, "problem_mark", None)
        line = where.line + 1 if where else 1
        raise invalid(name, [f"YAML: {line}: {getattr(error, 'problem', error)}"]) from error
    reader = _Reader()
    made = reader.mapping(data)
    if reader.problems or made is None:
        raise invalid(name, reader.problems)
    return made


def invalid(name: str, problems: Iterable[str]) -> ConfigError:
    """All problems of a mapping in one error."""
    listed = "; ".join(problems)
    return ConfigError(
        "mapping.invalid",
        zh=f"映射 {name} 有错误，写法见 docs/import.md：{listed}",
        en=f"The mapping {name} is not valid, see docs/import.md: {listed}",
        name=name,
        problems=listed,
    )


class _Reader:
    """Builds the mapping and collects problems instead of stopping at the first."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def mapping(self, data: Any) -> OrderMapping | None:
        if not isinstance(data, dict) or data.get("tidegate") != FORMAT:
            self.problems.append(f"the first line must be `tidegate: {FORMAT}`")
            return None
        self._only(data, TOP, "")
        for needed in ("id", "title", "channel"):
            if not data.get(needed):
                self.problems.append(f"`{needed}` is missing")
        document = data.get("shape", "table") == "document"
        roles = {
            role: self._file(role, about)
            for role, about in self._dict(data.get("files"), "files").items()
        }
        if not document and "orders" not in roles:
            self.problems.append("`files` needs `orders`")
        for role in roles.keys() - {"orders", "items"}:
            self.problems.append(f"files.{role}: only `orders` and `items` are known")
        return OrderMapping(
            id=str(data.get("id", "")),
            title=self._dict(data.get("title"), "title"),
            channel=str(data.get("channel", "")),
            shop=self._column("shop", data.get("shop"), constant=True),
            timezone=self._zone(data.get("timezone", "Asia/Shanghai")),
            currency=self._currency(data.get("currency", "CNY")),
            encodings=self._encodings(data.get("encodings", DEFAULT_ENCODINGS)),
            quotes=bool(data.get("quotes", True)),
            blank=frozenset(str(word) for word in data.get("blank", ())),
            document=document,
            fill_in=self._fills(data.get("fill_in", ())),
            cancelled_lines_are_negative=bool(data.get("cancelled_lines_are_negative", False)),
            files=roles,
        )

    def _file(self, role: str, data: Any) -> FileMapping:
        about = self._dict(data, f"files.{role}")
        self._only(about, FILE, f"files.{role}")
        rows = str(about.get("rows", "line"))
        if rows not in ("order", "line"):
            self.problems.append(f"files.{role}.rows: `order` or `line`, not {rows!r}")
        fields = self._columns(about.get("fields"), f"files.{role}.fields", {"order", "recipient"})
        items = self._columns(about.get("items"), f"files.{role}.items", {"item"})
        if "order.number" not in fields:
            self.problems.append(f"files.{role}.fields needs `order.number`")
        if rows == "line" and "item.quantity" not in items:
            self.problems.append(f"files.{role}.items needs `item.quantity`")
        extra = about.get("extra", ())
        return FileMapping(role, rows, fields, items, tuple(str(name) for name in extra))

    def _columns(self, data: Any, place: str, parts: set[str]) -> dict[str, Column]:
        known = {key: found for key, found in order_fields().items() if found.part in parts}
        made = {}
        for key, about in self._dict(data, place).items():
            if key not in known or key in ("order.shop", "order.channel", "order.currency"):
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"; did you mean `{near[0]}`?" if near else ""
                self.problems.append(f"{place}: no field `{key}`{hint}")
                continue
            made[key] = self._column(f"{place}.{key}", about)
            self._fits(known[key], made[key], f"{place}.{key}")
        return made

    def _column(self, place: str, data: Any, *, constant: bool = False) -> Column:
        if isinstance(data, str):
            return Column(constant=data) if constant else Column(names=(data,))
        if isinstance(data, list):
            return Column(names=tuple(str(name) for name in data))
        about = self._dict(data, place)
        self._only(about, COLUMN, place)
        if not any(about.get(key) for key in ("column", "join", "constant", "default")):
            self.problems.append(f"{place}: needs `column`, `join`, `default` or `constant`")
        return Column(
            names=_names(about.get("column")),
            join=_names(about.get("join")),
            convert=_names(about.get("convert")),
            values={str(k): str(v) for k, v in self._dict(about.get("values", {}), place).items()},
            default=_text(about.get("default")),
            constant=_text(about.get("constant")),
            required=about.get("required") is True,
            flag_blank=about.get("flag_blank") is True,
            sum=about.get("sum") is True,
        )

    def _fits(self, target: OrderField, column: Column, place: str) -> None:
        *steps, last = column.convert or ("",)
        for step in [*steps, *([] if last in CONVERTERS else [last])]:
            if step and step not in STEPS:
                near = difflib.get_close_matches(step, [*STEPS, *CONVERTERS], n=1)
                hint = f"; did you mean `{near[0]}`?" if near else ""
                self.problems.append(
                    f"{place}: `{step}` is no step (a converter stands last){hint}"
                )
        made = CONVERTERS.get(last)
        wanted = {"choice": "text", "revision": "number"}.get(target.type, target.type)
        if made == "address" and target.id != "recipient.address":
            self.problems.append(f"{place}: `address` is for recipient.address only")
        elif made not in (None, "address", wanted):
            self.problems.append(f"{place}: `{last}` makes a {made}, but {target.id} is a {wanted}")
        if column.sum and (target.type != "money" or target.part != "order"):
            self.problems.append(f"{place}: `sum` adds up money of an order only")
        if target.choices:
            for word in {*column.values.values(), *filter(None, (column.default, column.constant))}:
                if word not in target.choices and word not in column.values:
                    self.problems.append(
                        f"{place}: {word!r} is none of {', '.join(target.choices)}"
                    )

    def _zone(self, name: Any) -> ZoneInfo:
        try:
            return ZoneInfo(str(name))
        except (KeyError, ValueError, OSError):
            self.problems.append(f"timezone: {name!r} is no IANA zone such as Asia/Shanghai")
            return ZoneInfo("UTC")

    def _currency(self, data: Any) -> Column:
        column = self._column("currency", data, constant=True)
        for word in (column.constant, column.default):
            if word is not None and not (len(word) == 3 and word.isascii() and word.isupper()):
                self.problems.append(f"currency: {word!r} is no three-letter code such as CNY")
        if column.constant is None and column.default is None:
            self.problems.append("currency: a column needs a `default` as well")
        return column

    def _encodings(self, data: Any) -> tuple[str, ...]:
        import codecs

        for name in data:
            try:
                codecs.lookup(str(name))
            except LookupError:
                self.problems.append(f"encodings: {name!r} is unknown")
        return tuple(str(name) for name in data)

    def _fills(self, data: Any) -> frozenset[str]:
        for name in data:
            if name not in FILLS:
                self.problems.append(f"fill_in: {name!r} is none of {', '.join(FILLS)}")
        return frozenset(str(name) for name in data)

    def _dict(self, data: Any, place: str) -> dict[str, Any]:
        if data is None:
            return {}
        if not isinstance(data, dict):
            self.problems.append(f"{place or 'mapping'}: expected names with values")
            return {}
        return data

    def _only(self, data: Mapping[str, Any], allowed: set[str], place: str) -> None:
        for key in data:
            if key not in allowed:
                near = difflib.get_close_matches(str(key), allowed, n=1)
                hint = f"; did you mean `{near[0]}`?" if near else ""
                self.problems.append(f"{place + ': ' if place else ''}unknown `{key}`{hint}")


def _names(data: Any) -> tuple[str, ...]:
    if data is None:
        return ()
    return tuple(str(name) for name in data) if isinstance(data, list) else (str(data),)


def _text(data: Any) -> str | None:
    return None if data is None else str(data)
