"""Orders pulled from shops, window by window; what was stored is never asked for again."""
