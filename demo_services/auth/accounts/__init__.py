"""Accounts: registration, tokens, users."""
