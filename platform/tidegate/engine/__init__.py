"""The rule engine: rule sets are data, a decision is a pure function of facts, set and instant."""
