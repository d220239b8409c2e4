"""The documentation is held to the code: blocks are checked, the tutorial is followed, the site is built."""
