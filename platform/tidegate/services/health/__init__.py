"""How an installation is: ready or not, in figures, in words."""
