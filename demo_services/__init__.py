"""The demo: three Django services that know nothing of observability, and the runner that starts them."""
