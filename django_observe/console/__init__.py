"""The local console: receives OTLP/HTTP, keeps it in SQLite, shows it. For development on one machine."""
