"""The other side: a small HTTP server that behaves like a carrier's waybill service.

It shares no code with the client beside it; what both know is the description in docs/sandbox.md.
"""

from tidegate_connectors.sandbox.server.ledger import LedgerRow
from tidegate_connectors.sandbox.server.running import RunningSandbox, start_server

__all__ = ["LedgerRow", "RunningSandbox", "start_server"]
