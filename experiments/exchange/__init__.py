"""A run beside another, and in the formats of others."""
