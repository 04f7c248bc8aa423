"""Likelihoods, minima and thresholds: arrays only, no physics."""
