"""Incidents caused on purpose, to see that the right alert comes, soon, and leads to the cause."""
