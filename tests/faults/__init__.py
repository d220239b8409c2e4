"""What holds whatever happens to the receiver, the process or the input: docs/explanation/delivery.md."""
