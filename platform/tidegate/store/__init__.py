"""Tables, unit of work and queries."""
