"""Our spans against those of OpenTelemetry's own instrumentations: the same work, one table."""
