"""What watching outbox and inbox shares: metrics over HTTP, health commands, `explain_lag`, topics. Knows neither."""
