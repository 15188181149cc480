"""Calls that platforms make to us: their addresses, what they told, and what came of it."""
