"""Low-rank changes of linear layers: sums of several, cuts to a lower rank, and what those leave out.

A change [out, in] is B A, with A [rank, in] and B [out, rank].
"""

from collections.abc import Sequence

import torch
from torch.nn.functional import pad

from backbones.store.adapters import Adapter


def concatenated(adapters: Sequence[Adapter], values: Sequence[float]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Per layer, A [rank, in] and B [out, rank] in fp32, with B A = sum_k values_k U_k D_k.

    In a layer, adapters with the same D share their ranks, so where all do the merge has the rank of one of them;
    otherwise ranks add up. Layers that have fewer get zeros: one rank then holds for all.
    """
    parts: dict[str, list[tuple[torch.Tensor, torch.Tensor]]] = {}
    for adapter, value in zip(adapters, values, strict=True):
        for layer, (down, up) in adapter.deltas.items():
            own, b = parts.setdefault(layer, []), value * up.T.float()
            same = next((i for i, (a, _) in enumerate(own) if torch.equal(a, down)), None)
            if same is None:
                own.append((down, b))
            else:
                own[same] = (down, own[same][1] + b)
    rank = max(sum(len(a) for a, _ in own) for own in parts.values())
    merged = {}
    for layer in sorted(parts):
        a, b = torch.cat([a.float() for a, _ in parts[layer]]), torch.cat([b for _, b in parts[layer]], dim=1)
        merged[layer] = (pad(a, (0, 0, 0, rank - len(a))), pad(b, (0, rank - len(a))))
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
