"""Scripts of the project that do not ship in the product."""
