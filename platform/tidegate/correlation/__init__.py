"""durable-rules as a second matcher of patterns, sealed in a process of its own.

Our matcher (`engine.patterns`) defines what a pattern means; everything here may fail without a
decision being lost. See docs/decisions/0004.
"""
