"""The cases promtool tries on the alerts: when each fires, with which words, and when it stays quiet."""
