"""Values of the business: frozen, without storage and without decisions."""
