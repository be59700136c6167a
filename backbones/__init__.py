"""Bone Soup at test time: coefficients, 4-bit soups, sets of backbones, rewards and fronts."""

import logging

# bitsandbytes says at import, on every CPU with AVX-512 BF16, that a kernel is missing which the soup does not use.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
