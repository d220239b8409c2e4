"""What things cost, measured; run by hand, not with the tests."""
