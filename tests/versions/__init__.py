"""Sessions: the built distribution in fresh environments, and the tests that the sdist brings."""
