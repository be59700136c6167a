"""Preferences: points of the simplex, checked and normalised once, where they enter."""

import itertools

import numpy as np

PARTS = {2: 10, 3: 6}  # of the lattice that fronts are measured on and sweeps are written on: 11 and 28 points
FINE = 40  # parts of the lattice that servers keep merges of


class Preference(tuple[float, ...]):
    """The preference mu [n] over n objectives: shares >= 0 that sum to one."""

    @classmethod
    def of(cls, values, n: int) -> "Preference":
        """`values` checked and divided by their sum; those that sum to one, such as a preference, as they are.

        Raises ValueError for a wrong length, an entry that is negative, NaN or infinite, or all zeros.
        """
        mu = np.asarray(values, dtype=float)
        if mu.shape != (n,):
            raise ValueError(f"preference {values!r} has shape {mu.shape}: give {n} numbers, one per objective")
        if not np.isfinite(mu).all():
            raise ValueError(f"preference {mu.tolist()} holds NaN or infinity: use finite numbers")
        if (mu < 0).any():
            raise ValueError(f"preference {mu.tolist()} holds a negative number: use numbers >= 0")
        if mu.sum() <= 0:
            raise ValueError(f"preference {mu.tolist()} is all zero: give at least one objective some weight")
        if abs(mu.sum() - 1) < 1e-12:  # divided once more they could differ in their last bits
            return cls(mu.tolist())
        return cls((mu / mu.sum()).tolist())

    @classmethod
    def equal(cls, n: int) -> "Preference":
        """The same share for each of n objectives."""
        return cls.of([1.0] * n, n)

    @property
    def rounded(self) -> list[float]:
        """As files hold it: with 6 decimals."""
        return [round(share, 6) for share in self]

    def same(self, other) -> bool:
        """Whether `other` [n] is this preference up to the rounding of files."""
        return self.distance(other) < 1e-5

    def distance(self, other) -> float:
        """Euclidean distance to another preference [n]."""
        return float(np.linalg.norm(np.subtract(self, other)))

    def __str__(self) -> str:
        """For people: 70 % / 30 %."""
        return " / ".join(f"{100 * share:.0f} %" for share in self)


def corners(n: int) -> list[Preference]:
    """The n preferences for one objective alone, in the order of the objectives."""
    return [Preference(row) for row in np.eye(n).tolist()]


def lattice(n: int, parts: int | None = None) -> list[Preference]:
    """All preferences over n objectives that are multiples of 1 / parts, from (1, 0, ..) down to (.., 0, 1).

    Default: the `PARTS` that fronts are measured on.
    """
    parts = parts or PARTS.get(n, 3)
    counts = (c for c in itertools.product(range(parts, -1, -1), repeat=n) if sum(c) == parts)
    return [Preference(count / parts for count in c) for c in counts]
