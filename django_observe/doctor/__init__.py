"""`manage.py observe doctor` and `find`: what arrives where it should, and what to change where not."""
