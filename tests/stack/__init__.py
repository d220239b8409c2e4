"""Tests of the stack: its configuration, dashboards, alerts and drills."""
