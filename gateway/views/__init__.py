"""The HTTP side: which path leads where; what happens there is in the modules above."""
