"""Tests of the demo: each service by its own suite, then all of them for real."""
