"""The configuration: its schema, what is checked, and a model from it."""
