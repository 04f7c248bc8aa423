"""Formulas and their sources: arrays in, arrays out; no data, no detector."""
