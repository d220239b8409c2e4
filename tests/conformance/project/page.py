"""The project's template, in a module that settings can import: a tag, and what a context processor gave."""

PAGE = "{% load witness %}{% witness key %}{{ processed }}"
