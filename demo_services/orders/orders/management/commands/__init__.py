"""Commands of the orders service."""
