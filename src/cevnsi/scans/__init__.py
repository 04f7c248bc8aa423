"""Grids of chi2, lines on them, and ranges found on chi2 itself."""
