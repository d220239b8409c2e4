"""Notifications: what was sent to whom, and why."""
