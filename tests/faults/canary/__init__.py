"""A project whose code handles secrets in every place where services have them: see ../test_canary.py."""
