"""Bone Soup at test time: coefficients, 4-bit soups, sets of backbones, rewards and fronts."""
