"""Planted bugs: python -m tests.mutants [NAME ...] shows that the suite sees each of them. Run by `make mutants`."""
