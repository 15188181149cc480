"""Waybills exactly once: what is written before the call, the call, and what is written after it."""
