"""`manage.py observe`."""
