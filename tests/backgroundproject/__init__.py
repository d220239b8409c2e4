"""Background tasks of a project: an app that the tests, and a worker of their own, import."""
