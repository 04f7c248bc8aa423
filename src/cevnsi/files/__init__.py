"""Files, whole or not at all: tables, choices, and where results come from."""
