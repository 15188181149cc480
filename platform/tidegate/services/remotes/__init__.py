"""What stands behind a connector's calls: accounts, credentials, tokens, limits, breakers, and the record of calls."""
