"""KDNiao's commands (RequestType): where each is sent, and whether sending it twice does no harm."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

DIST, LABELS, BOOKINGS = "/api/dist", "/api/EOrderService", "/api/OOrderService"
FREE = "/Ebusiness/EbusinessOrderHandle.aspx"


@dataclass(frozen=True, slots=True)
class Command:
    """`api` is the name that limits, the breaker and the record of calls go by."""

    code: str
    api: str
    path: str
    idempotent: bool = True


CREATE = Command("1007", "waybill.create", LABELS, idempotent=False)
CANCEL = Command("1147", "waybill.cancel", LABELS)
BOOK = Command("1801", "pickup.book", BOOKINGS, idempotent=False)
ESTIMATE = Command("1815", "freight.estimate", BOOKINGS)
RECOGNISE = Command("2002", "number.recognise", DIST)
SPLIT = Command("6001", "address.split", DIST)
DETECT = Command("8002", "track.detect", DIST)
QUERIES = {
    "8001": Command("8001", "track.query", DIST),
    "1002": Command("1002", "track.free", FREE),
}
SUBSCRIPTIONS = {
    "8008": Command("8008", "track.subscribe", DIST),
    "1008": Command("1008", "track.subscribe", DIST),
}


def address_of(url: str, command: Command) -> str:
    """The address of a command: a `url` with a path of its own (the test gateway) takes them all."""
    alone = urlsplit(url).path.strip("/") == ""
    return url.rstrip("/") + command.path if alone else url
