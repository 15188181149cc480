"""Chinese addresses: parts, today's region code and a verdict, over vendored division data
(docs/addresses.md)."""

from tidegate.domain.addresses.divisions import Region, regions
from tidegate.domain.addresses.model import Note, ParsedAddress
from tidegate.domain.addresses.names import normalise_city, normalise_province, same_city
from tidegate.domain.addresses.parser import parse_address
from tidegate.domain.addresses.recipients import RecipientLine, parse_recipient_line
from tidegate.domain.addresses.verdicts import REASONS, Reason

__all__ = [
    "REASONS",
    "Note",
    "ParsedAddress",
    "Reason",
    "RecipientLine",
    "Region",
    "normalise_city",
    "normalise_province",
    "parse_address",
    "parse_recipient_line",
    "regions",
    "same_city",
]
