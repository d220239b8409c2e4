"""The hand assembly: django-guid and OpenTelemetry's own instrumentations, wired as their pages say."""
