"""The three sides: each yields what it says of payments, in the order of their ids, a page in memory at a time."""
