"""Orders: products, orders, and the outbox of events."""
