"""Use cases: one function each, over a unit of work and plain values."""
