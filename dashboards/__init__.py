"""Builds the Grafana dashboards, recording rules and alerts from the names the package emits."""
