"""Tests of the orders application."""
