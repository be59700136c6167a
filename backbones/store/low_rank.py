"""Low-rank changes of linear layers: sums of several, cuts to a lower rank, and what those leave out.

A change [out, in] is B A, with A [rank, in] and B [out, rank].
"""

from collections.abc import Sequence

import torch

from backbones.store.adapters import Adapter


def concatenated(adapters: Sequence[Adapter], values: Sequence[float]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Per layer, A [sum of ranks, in] and B [out, sum of ranks] in fp32, with B A = sum_k values_k U_k D_k.

    A layer that some adapter lacks gets zeros in that adapter's ranks: one rank then holds for all layers.
    """
    ranks = [len(next(iter(adapter.deltas.values()))[0]) for adapter in adapters]  # one per adapter, by read_adapter
    merged = {}
    for layer in sorted({layer for adapter in adapters for layer in adapter.deltas}):
        down, up = next(adapter.deltas[layer] for adapter in adapters if layer in adapter.deltas)
        a, b, start = torch.zeros(sum(ranks), down.shape[1]), torch.zeros(up.shape[1], sum(ranks)), 0
        for adapter, value, rank in zip(adapters, values, ranks, strict=True):
            if layer in adapter.deltas:
                down, up = adapter.deltas[layer]
                a[start : start + rank], b[:, start : start + rank] = down, value * up.T
            start += rank
        merged[layer] = (a, b)
    return merged


def truncated(
    deltas: dict[str, tuple[torch.Tensor, torch.Tensor]], rank: int
) -> tuple[dict[str, tuple[torch.Tensor, torch.Tensor]], dict[str, float]]:
    """Every layer's B A cut to `rank` by SVD, and the relative error (Frobenius) of each.

    B A = Qb (Rb Ra^T) Qa^T with B = Qb Rb and A^T = Qa Ra: the SVD is that of a matrix [full rank, full rank], and
    the product [out, in] is never formed.
    """
    cut, errors = {}, {}
    for layer, (a, b) in deltas.items():
        qb, rb = torch.linalg.qr(b)  # [out, full rank], [full rank, full rank]
        qa, ra = torch.linalg.qr(a.T)  # [in, full rank], [full rank, full rank]
        u, s, vh = torch.linalg.svd(rb @ ra.T, full_matrices=False)
        cut[layer] = factors(qb @ u, s, vh @ qa.T, rank, rank)
        errors[layer] = residual(s, rank)
    return cut, errors


def factors(
    u: torch.Tensor, s: torch.Tensor, vh: torch.Tensor, keep: int, rank: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """A [rank, in] and B [out, rank] with B A = the first `keep` parts of U S V^T; zeros fill up to `rank`.

    Both get the square roots of the singular values, so that neither loses precision in bf16.
    """
    keep = min(keep, len(s))
    a, b = torch.zeros(rank, vh.shape[1]), torch.zeros(len(u), rank)
    root = s[:keep].sqrt()
    a[:keep], b[:, :keep] = root[:, None] * vh[:keep], u[:, :keep] * root
    return a, b


def residual(s: torch.Tensor, keep: int) -> float:
    """What the first `keep` of the singular values leave out, relative to all (Frobenius); 0 of nothing."""
    squares = s.double() ** 2
    return float((squares[keep:].sum() / squares.sum().clamp(min=1e-300)).sqrt())
