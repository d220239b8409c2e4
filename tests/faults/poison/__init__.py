"""Values that no encoder takes, put wherever a service puts values: `python -m tests.faults.poison PLACE`."""
