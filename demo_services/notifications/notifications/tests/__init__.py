"""Tests of the notifications application."""
