"""A project that had another kit before: set up as that kit's own page says, then given the one line."""
