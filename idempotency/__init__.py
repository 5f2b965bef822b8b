"""The Idempotency-Key of an HTTP API: one answer a key, replayed byte for byte. Knows none of the apps that use it."""
