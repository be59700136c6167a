"""The shipped sets whose base is at hand, and something to write about for each of their tasks.

That of `silver-lining` is where it has been fetched: `python -m backbones fetch silver-lining`.
"""

from backbones.store import soup_set as sets

READY = [name for name in sets.shipped() if not sets.read(name).to_fetch]
GIVEN = {
    "restaurants": {"name": "Zig Zag", "eatType": "pub", "food": "Indian", "priceRange": "cheap", "near": "Ox Ford"},
    "reframe": {"thought": "My flight got cancelled and I am stuck at the airport until tomorrow."},
}
