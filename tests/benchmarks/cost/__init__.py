"""What a request and a task cost with telemetry, beside the same project bare and assembled by hand."""
