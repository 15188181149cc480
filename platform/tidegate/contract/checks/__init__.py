"""One module a promise; each function is one line of the card."""
