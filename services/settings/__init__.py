"""Settings: `base` for both services, then one module a service. SERVICE picks it (services.select_settings)."""
