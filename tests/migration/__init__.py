"""Beside another kit nothing is doubled, and what that kit had under a name stays under it."""
