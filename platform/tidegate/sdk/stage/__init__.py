"""The other side, on one's own machine: what a protocol server is and what it is built from (docs/connectors)."""
