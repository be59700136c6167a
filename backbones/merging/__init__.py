"""Merging: preferences, the coefficients that methods make of them, fronts, metrics. Numpy and moocore alone."""
