"""Who may call the HTTP APIs: bearer tokens with scopes (RFC 6750), stored as digests, and how often."""
