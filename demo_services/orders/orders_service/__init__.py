"""The orders service: takes an order, charges it, and tells the others that it happened."""
