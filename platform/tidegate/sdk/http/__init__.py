"""HTTP as connectors see it: `messages` (what is sent and answered) and `client` (who sends it)."""
