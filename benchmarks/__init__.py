"""Measurements run by hand: speed, scaling, load, repeatability, the slot matcher, texts that must stay the same."""
