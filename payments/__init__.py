"""Payments: take money once, however often the button is pressed and whatever dies in between."""
