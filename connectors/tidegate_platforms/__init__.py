"""Protocol servers: the platforms our connectors speak to, played on one's own machine for tests and practice.

They share no code with the connectors: each checks signatures by means of its own (import-linter holds this).
"""
