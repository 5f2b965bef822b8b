"""English: the only language here."""
