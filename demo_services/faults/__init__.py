"""Fault switches of the demo: errors, latency, lost dependencies, bad tasks, to be switched while it runs."""
