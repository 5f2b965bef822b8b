"""What the admin pages of all apps share: read-only pages, and foreign text made visible. Knows none of the apps."""
