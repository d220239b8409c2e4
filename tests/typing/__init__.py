"""What a type checker sees of the package."""
