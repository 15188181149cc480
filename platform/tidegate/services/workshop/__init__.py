"""The rule workshop: what people do with rule sets before, while and after they decide."""
