"""A field mapping tried on an account's samples: the values a path leads to and the orders that come of it.

What may name a person is masked before it leaves here: by its field, else by how it looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tidegate.domain.money import Money
from tidegate.domain.orders import Issue, OrderDraft
from tidegate.sdk.fields import OrderField, order_fields
from tidegate.sdk.manifest import Manifest
from tidegate.sdk.mapping.converters import CONVERTERS
from tidegate.sdk.mapping.orders import OrderMapping
from tidegate.sdk.mapping.paths import find
from tidegate.services.context import Context
from tidegate.services.remotes import overlays
from tidegate.services.remotes.accounts import account_row
from tidegate.services.remotes.connected import manifest_for
from tidegate.services.remotes.overlays import Overlay, Version
from tidegate.services.syncing import samples
from tidegate.services.view_masks import masked_name, masked_phone

DEEPEST, MOST_PATHS, LONGEST = 6, 200, 60
TELLING = re.compile(r"[\w.:+/ -]{0,40}\Z", re.ASCII)  # numbers, codes, times
PHONE = re.compile(r"(?<!\d)(?:\+?86)?1[3-9]\d{9}(?!\d)|@")
PERSONAL_WORDS = re.compile(
    r"name|nick|buyer|receiver|consignee|contact|phone|mobile|tel|address|street|addr|memo|note|remark|message"
    r"|mail|id_?card|token|oaid|encrypt|cipher", re.IGNORECASE,
)  # fmt: skip
CODES = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


@dataclass(frozen=True, slots=True)
class SamplePath:
    """A place in the documents with what stands there, masked; `line`: inside a line of the order."""

    path: str
    values: Sequence[str]
    line: bool


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field of the vocabulary and how it is filled. `changed`: other than the manifest says."""

    field: OrderField
    paths: str  # alternatives, " | " between them
    convert: str
    values: str  # a line each: word=value
    constant: str
    default: str
    changed: bool


@dataclass(frozen=True, slots=True)
class PreviewLine:
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class PreviewOrder:
    """What a document would become; `code` says why it would be none."""

    number: str
    status: str
    total: Money | None
    ordered_at: datetime | None
    recipient: str  # masked
    lines: Sequence[PreviewLine]
    issues: Sequence[Issue]
    code: str = ""


@dataclass(frozen=True, slots=True)
class MappingPage:
    code: str
    title: str
    version: Version
    each: str
    rows: Sequence[FieldRow]
    paths: Sequence[SamplePath]
    taken_at: datetime | None
    orders: Sequence[PreviewOrder]


def mapping_page(context: Context, code: str, tried: Overlay | None = None) -> MappingPage:
    """The mapping in force, or one that is tried, with samples and what comes of them.

    Raises:
        NotFound: no such account. InputError: the tried one is no mapping.
    """
    with context.store.begin(context.tenant_id, readonly=True) as work:
        row = account_row(work, code)
        version = overlays.newest(work, row.id)
    manifest = manifest_for(row)
    overlay = version.overlay if tried is None else tried
    orders = overlays.checked(manifest, overlay)
    documents, taken_at = samples.kept(context, row.id)
    return MappingPage(
        code=code, title=row.title, version=version, each=str(orders.get("each", "")),
        rows=_rows(manifest, orders), paths=list(_sample_paths(documents, orders)),
        taken_at=taken_at, orders=_orders(context, manifest, orders, documents),
    )  # fmt: skip


def how_of(typed: Mapping[str, str], before: Any) -> Any:
    """What a form's boxes (path, convert, values, constant, default) say of one field, in the manifest's words.

    None: nothing fills it. `before` is what the manifest says; what has no box is taken from there.
    """
    found = [path.strip() for path in typed["path"].split("|") if path.strip()]
    constant, default = typed["constant"].strip(), typed["default"].strip()
    if not found and not constant:
        return None
    kept = before if isinstance(before, Mapping) else {}
    how: dict[str, Any] = {"blank": kept["blank"]} if "blank" in kept else {}
    if found:
        how["path"] = found[0] if len(found) == 1 else found
    if typed["convert"] in CONVERTERS:
        how["convert"] = typed["convert"]
    if pairs := _pairs(typed["values"]):
        how["values"] = pairs
    how |= {name: said for name, said in (("constant", constant), ("default", default)) if said}
    return how["path"] if set(how) == {"path"} else how


def overlay_of(manifest: Manifest, wanted: Mapping[str, Any], each: str) -> dict[str, Any]:
    """Only what differs from the manifest of `wanted` (field -> how, None for nothing)."""
    found: dict[str, Any] = {"fields": {}, "items": {}}
    for name, how in wanted.items():
        part = "items" if order_fields()[name].part == "item" else "fields"
        own = (manifest.orders.get(part) or {}).get(name)
        if _plain(how) != _plain(own):
            found[part][name] = how
    if each.strip() and each.strip() != manifest.orders.get("each", ""):
        found["each"] = each.strip()
    return {key: value for key, value in found.items() if value}


def _rows(manifest: Manifest, orders: Mapping[str, Any]) -> list[FieldRow]:
    found = []
    for name, field in order_fields().items():
        part = "items" if field.part == "item" else "fields"
        how = (orders.get(part) or {}).get(name)
        own = (manifest.orders.get(part) or {}).get(name)
        about = how if isinstance(how, Mapping) else {"path": how} if how else {}
        paths = about.get("path") or ()
        found.append(
            FieldRow(
                field, paths if isinstance(paths, str) else " | ".join(paths),
                str(about.get("convert", "")),
                "\n".join(f"{word}={value}" for word, value in (about.get("values") or {}).items()),
                str(about.get("constant", "")), str(about.get("default", "")),
                _plain(how) != _plain(own),
            )
        )  # fmt: skip
    return found


def _orders(
    context: Context, manifest: Manifest, orders: Mapping[str, Any], documents: Sequence[Any]
) -> list[PreviewOrder]:
    mapping = OrderMapping(
        orders, channel=manifest.channel, shop="", timezone=manifest.timezone,
        currency=manifest.currency,
    )  # fmt: skip
    found = []
    for n, document in enumerate(documents, 1):
        mapped = mapping.read(document, "sample", n)
        if mapped.draft is None:
            code = mapped.problem.code if mapped.problem else ""
            found.append(PreviewOrder("", "", None, None, "-", (), (), code))
        else:
            found.append(_order(mapped.draft))
    return found


def _order(draft: OrderDraft) -> PreviewOrder:
    who = draft.recipient
    total = None if draft.total_minor is None else Money(draft.total_minor, draft.currency)
    place = " ".join(part for part in (who.province, who.city) if part)
    return PreviewOrder(
        draft.number, draft.source_status or "", total,  draft.ordered_at,
        f"{masked_name(who.name)} {masked_phone(who.phone)} {place}".strip(),
        [PreviewLine(line.sku or "", line.quantity) for line in draft.lines], draft.issues,
    )  # fmt: skip


def _sample_paths(documents: Sequence[Any], orders: Mapping[str, Any]) -> Iterator[SamplePath]:
    each = str(orders.get("each", ""))
    personal = _personal_paths(orders)
    plain = _leaves(documents, personal, skip=each)
    for path, values in list(plain.items())[:MOST_PATHS]:
        yield SamplePath(path, values, False)
    lines = [line for one in documents for line in _lines(one, each)]
    for path, values in list(_leaves(lines, personal, skip="").items())[:MOST_PATHS]:
        yield SamplePath(path, values, True)


def _lines(document: Any, each: str) -> Sequence[Any]:
    found = find(document, each) if each else None
    return found if isinstance(found, list) else []


def _leaves(documents: Sequence[Any], personal: set[str], skip: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for document in documents:
        for path, value in _walk(document, "", 0):
            if skip and (path == skip or path.startswith(f"{skip}.")):
                continue
            shown = shown_value(path, value, path in personal)
            kept = found.setdefault(path, [])
            if shown and shown not in kept and len(kept) < 3:
                kept.append(shown)
    return found


def _walk(value: Any, path: str, deep: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and deep < DEEPEST:
        for name, inner in value.items():
            yield from _walk(inner, f"{path}.{name}" if path else str(name), deep + 1)
    elif isinstance(value, list) and deep < DEEPEST:
        for n, inner in enumerate(value[:2]):
            yield from _walk(inner, f"{path}.{n}" if path else str(n), deep + 1)
    elif path:
        yield path, value


def shown_value(path: str, value: Any, personal: bool) -> str:
    """A value as a page may show it: numbers, codes and times as they are, other text by its length."""
    if value is None or value == "":
        return ""
    text = str(value)
    named = PERSONAL_WORDS.search(path.rpartition(".")[2] if "." in path else path)
    if isinstance(value, bool) or CODES.match(text):
        return text if not personal else f"‹{len(text)}›"
    if personal or named or PHONE.search(text) or not TELLING.match(text):
        return f"‹{len(text)}›"
    return text[:LONGEST]


def _personal_paths(orders: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for part in overlays.PARTS:
        for name, how in (orders.get(part) or {}).items():
            if not order_fields()[name].personal:
                continue
            paths = how.get("path", ()) if isinstance(how, Mapping) else how
            found |= {paths} if isinstance(paths, str) else set(paths)
    return found


def _plain(how: Any) -> Any:
    """Two ways of writing the same are equal."""
    if isinstance(how, Mapping):
        about = {key: value for key, value in how.items() if value not in (None, "", {})}
        if "values" in about:
            about["values"] = {str(k): str(v) for k, v in about["values"].items()}
        paths = about.get("path")
        about["path"] = list(paths) if isinstance(paths, list) else [paths] if paths else []
        return {key: str(v) if key in ("constant", "default") else v for key, v in about.items()}
    if how is None:
        return None
    return {"path": list(how) if isinstance(how, list) else [how]}


def _pairs(text: str) -> dict[str, str]:
    found = {}
    for line in text.splitlines():
        word, equals, value = line.partition("=")
        if equals and word.strip():
            found[word.strip()] = value.strip()
    return found
