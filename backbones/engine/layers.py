"""Linear layers of the base with the adapters of a set beside them.

For row i of a batch a layer computes W x + sum_k c_ik U_k D_k x with the merging coefficients c [rows, adapters]. The
weights W are never touched, so the merge is exact and costs nothing to change, and rows of one forward pass can have
different preferences and methods. Layers that read the same input (queries, keys and values; gate and up) are a group,
whose products with it are one product each.
"""

from collections.abc import Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import nn
from torch.nn.functional import linear

Delta = tuple[torch.Tensor, torch.Tensor]  # of an adapter: down [rank, in] and scaled up [rank, out]
Layout = tuple[int, ...]  # the adapter of every column that a group scales, in ascending order

_pass: ContextVar["Pass | None"] = ContextVar("pass", default=None)


class Mix:
    """Merging coefficients of up to `slots` rows: one buffer [slots, columns] for every layout, written when a row
    joins."""

    def __init__(self, layouts: Sequence[Layout], slots: int, device: torch.device, dtype: torch.dtype):
        self.scales = {layout: torch.zeros(slots, len(layout), device=device, dtype=dtype) for layout in layouts}
        self.rows: list[list[float]] = [[] for _ in range(slots)]

    def write(self, first: int, rows: Sequence[Sequence[float]]) -> None:
        """The coefficients [rows, adapters] of those that take the slots from `first` on."""
        last = first + len(rows)
        self.rows[first:last] = map(list, rows)
        for layout, scale in self.scales.items():
            scale[first:last] = torch.tensor(rows)[:, list(layout)].to(scale)

    def move(self, source: int, target: int) -> None:
        """A row goes to another slot."""
        self.rows[target] = self.rows[source]
        for scale in self.scales.values():
            scale[target] = scale[source]

    @contextmanager
    def over(self, first: int, count: int):
        """Within this block, in this thread alone, the rows of a forward pass are those of `count` slots."""
        token = _pass.set(Pass(self, first, count))
        try:
            yield
        finally:
            _pass.reset(token)


class Pass:
    """A forward pass over some slots of a mix. `left`: what the first layer of a group computed for the others."""

    def __init__(self, mix: Mix, first: int, count: int):
        self.mix, self.rows = mix, slice(first, first + count)
        self.used = {k for row in mix.rows[self.rows] for k, value in enumerate(row) if value}
        self.left: dict[SoupLinear, torch.Tensor] = {}
        self._pieces: dict[Layout, list[tuple[slice, torch.Tensor]]] = {}

    def pieces(self, layout: Layout) -> list[tuple[slice, torch.Tensor]]:
        """Runs of columns whose adapters are in use: a slice, and their scales (rows, 1, run). Slices are views, so
        adapters that no row uses cost nothing."""
        if layout not in self._pieces:
            found, start = [], None
            for column, adapter in enumerate((*layout, -1)):
                if adapter in self.used and start is None:
                    start = column
                elif adapter not in self.used and start is not None:
                    run = slice(start, column)
                    found.append((run, self.mix.scales[layout][self.rows, run].unsqueeze(1)))
                    start = None
            self._pieces[layout] = found
        return self._pieces[layout]


class SoupLinear(nn.Module):
    """A linear layer of a group."""

    def __init__(self, base: nn.Linear, deltas: Sequence[Delta | None]):
        super().__init__()
        self.base, self.deltas = base, deltas
        self.group: Group | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # x: (rows, T, in)
        now = _pass.get()
        if now is None or self.group is None:
            return self.group.bare(self, x) if self.group else self.base(x)
        if self in now.left:
            return now.left.pop(self)
        return self.group.outputs(self, x, now)


class Group:
    """Layers that read the same input.

    `down` [distinct, in]: their distinct down-projections; `up` [columns, out of all]: block by block, ordered by
    adapter; `tile`: whether all adapters share the down-projections, so that one product serves them all.
    """

    def __init__(self, layers: Sequence[SoupLinear], dense: bool):
        self.layers = list(layers)
        self.sizes = [layer.base.out_features for layer in layers]
        for layer in layers:
            layer.group = self
        offsets = [sum(self.sizes[:i]) for i in range(len(self.sizes))]
        downs, ups, owners = [], [], []
        for adapter in range(len(layers[0].deltas)):
            for layer, offset in zip(layers, offsets, strict=True):
                if layer.deltas[adapter] is not None:
                    down, up = layer.deltas[adapter]
                    wide = up.new_zeros(len(up), sum(self.sizes))
                    wide[:, offset : offset + up.shape[1]] = up
                    downs.append(down)
                    ups.append(wide)
                    owners += [adapter] * len(down)
        self.layout: Layout = tuple(owners)
        self.down, self.up, self.shared = torch.cat(downs), torch.cat(ups), 0
        first = self.down[: self.layout.count(self.layout[0])]
        adapters = len(self.layout) // len(first)
        if (
            adapters > 1
            and len(first) * adapters == len(self.layout)
            and torch.equal(self.down, first.repeat(adapters, 1))
        ):
            self.down, self.shared = first.clone(), len(first)
        for layer in layers:
            layer.deltas = ()
        self.weight = self.bias = None
        if dense:
            self._make_dense()

    def _make_dense(self) -> None:
        """The layers' weights as one matrix [out of all (and shared down-projections), in], of the 4-bit values."""
        parts = [values(layer.base).to(self.down) for layer in self.layers]
        if self.shared:
            parts.append(self.down)
        self.weight = torch.cat(parts)
        biases = [layer.base.bias for layer in self.layers]
        if any(bias is not None for bias in biases):
            whole = [b if b is not None else self.down.new_zeros(s) for b, s in zip(biases, self.sizes, strict=True)]
            whole.append(self.down.new_zeros(self.shared))
            self.bias = torch.cat([b.to(self.down) for b in whole])
        for layer in self.layers:
            layer.base = None

    def bare(self, layer: SoupLinear, x: torch.Tensor) -> torch.Tensor:
        """The layer without adapters."""
        if self.weight is None:
            return layer.base(x)
        start = sum(self.sizes[: self.layers.index(layer)])
        own = slice(start, start + self.sizes[self.layers.index(layer)])
        return linear(x, self.weight[own], self.bias if self.bias is None else self.bias[own])

    def outputs(self, asked: SoupLinear, x: torch.Tensor, now: Pass) -> torch.Tensor:
        """The output of the layer that was asked first; those of the others are left for them."""
        out, hidden = sum(self.sizes), None
        if self.weight is not None:
            whole = linear(x, self.weight, self.bias)
            y = whole[..., :out]
            hidden = whole[..., out:] if self.shared else None
        elif len(self.layers) == 1:
            y = self.layers[0].base(x)
        else:
            y = torch.cat([layer.base(x) for layer in self.layers], dim=-1)
        flat = y.flatten(0, 1)  # a view
        for run, scale in now.pieces(self.layout):
            if self.shared:
                hidden = linear(x, self.down) if hidden is None else hidden
                times = (run.stop - run.start) // self.shared
                scaled = hidden.repeat(1, 1, times) * scale
            else:
                scaled = linear(x, self.down[run]) * scale  # (rows, T, columns of the run)
            flat.addmm_(scaled.flatten(0, 1), self.up[run])
        if len(self.layers) == 1:
            return y
        now.left.update(zip(self.layers, y.split(self.sizes, dim=-1), strict=True))
        return now.left.pop(asked)


def values(layer: nn.Linear) -> torch.Tensor:
    """The weights [out, in] of a linear layer, those of a 4-bit one de-quantised."""
    import bitsandbytes as bnb

    if isinstance(layer, bnb.nn.Linear4bit):
        return bnb.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    return layer.weight.data
