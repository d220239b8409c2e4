"""Tests of the accounts application."""
