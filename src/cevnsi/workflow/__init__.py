"""All that knows the workflow manager's own files."""
