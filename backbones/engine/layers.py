"""Linear layers of the base with the adapters of a set beside them.

For row i of a batch a layer computes W x + sum_k c_ik U_k D_k x with the merging coefficients c [rows, adapters]. The
weights W are never touched, so the merge is exact and costs nothing to change, and rows of one forward pass can have
different preferences and methods. Layers that read the same input (queries, keys and values; gate and up) are a group,
whose products with it are one product each.
"""

from collections.abc import Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import linear

from backbones.engine.device import sent

Delta = tuple[torch.Tensor, torch.Tensor]  # of an adapter: down [rank, in] and scaled up [rank, out]
Layout = tuple[tuple[int, int], ...]  # of every column that a group scales its adapter and its layer, by adapter

# Whether weights can be kept in the order in which oneDNN multiplies in bf16, for so many rows, about: inductor's way.
ORDERS, ROWS = torch.backends.mkldnn.is_available() and torch.cpu._is_avx512_bf16_supported(), 8

_pass: ContextVar["Pass | None"] = ContextVar("pass", default=None)


class Mix:
    """Merging coefficients of up to `slots` rows: one buffer [slots, columns] for every layout, written when a row
    joins."""

    def __init__(self, layouts: Sequence[Layout], slots: int, device: torch.device, dtype: torch.dtype):
        self.layouts = layouts
        self.adapters = [torch.tensor([adapter for adapter, _ in layout], device=device) for layout in layouts]
        self.scales = [torch.zeros(slots, len(layout), device=device, dtype=dtype) for layout in layouts]
        self.rows: list[list[float]] = [[] for _ in range(slots)]
        self._runs: dict[tuple[int, frozenset[int]], list[Run]] = {}

    def runs(self, number: int, used: frozenset[int]) -> "list[Run]":
        """Those of a layout for the adapters in use, found out once, not at every step."""
        key = (number, used)
        if key not in self._runs:
            self._runs[key] = runs(self.layouts[number], used, self.scales[number].device)
        return self._runs[key]

    def write(self, first: int, rows: Sequence[Sequence[float]]) -> None:
        """The coefficients [rows, adapters] of those that take the slots from `first` on."""
        last = first + len(rows)
        self.rows[first:last] = map(list, rows)
        for adapters, scale in zip(self.adapters, self.scales, strict=True):
            scale[first:last] = sent(self.rows[first:last], scale.device)[:, adapters]

    def move(self, source: int, target: int) -> None:
        """A row goes to another slot."""
        self.rows[target] = self.rows[source]
        for scale in self.scales:
            scale[target] = scale[source]

    @contextmanager
    def over(self, first: int, count: int):
        """Within this block, in this thread alone, the rows of a forward pass are those of `count` slots."""
        token = _pass.set(Pass(self, first, count))
        try:
            yield _pass.get()
        finally:
            _pass.reset(token)


@dataclass(frozen=True)
class Run:
    """Columns of neighbouring adapters that are in use: the slice of all columns, and for every layer its own among
    them (None: all are) and the rows of its up-projection that they go with."""

    columns: slice
    own: tuple[torch.Tensor | None, ...]
    ups: tuple[slice, ...]


def runs(layout: Layout, used: frozenset[int], device: torch.device) -> list[Run]:
    """The runs of a layout. Their slices are views, so adapters that no row uses cost nothing."""
    ends = [i for i in range(1, len(layout)) if (layout[i - 1][0] in used) != (layout[i][0] in used)]
    found, layers = [], range(1 + max(layer for _, layer in layout))
    for start, stop in zip([0, *ends], [*ends, len(layout)], strict=True):
        if layout[start][0] in used:
            before = [sum(layer == i for _, layer in layout[:start]) for i in layers]
            within = [[k for k, (_, layer) in enumerate(layout[start:stop]) if layer == i] for i in layers]
            own = [torch.tensor(places, dtype=torch.long, device=device) for places in within]
            ups = [slice(first, first + len(places)) for first, places in zip(before, within, strict=True)]
            found.append(Run(slice(start, stop), (None,) if len(layers) == 1 else tuple(own), tuple(ups)))
    return found


class Pass:
    """A forward pass over some slots of a mix. `left`: what the first layer of a group computed for the others."""

    def __init__(self, mix: Mix, first: int, count: int):
        self.mix, self.rows = mix, slice(first, first + count)
        self.used = frozenset(k for row in mix.rows[self.rows] for k, value in enumerate(row) if value)
        self.left: dict[SoupLinear, torch.Tensor] = {}
        self._runs: dict[int, list[tuple[Run, torch.Tensor]]] = {}

    def runs(self, number: int) -> list[tuple[Run, torch.Tensor]]:
        """Of a layout the runs of adapters in use, with their scales (rows, 1, columns)."""
        if number not in self._runs:
            scales = self.mix.scales[number][self.rows].unsqueeze(1)
            self._runs[number] = [(run, scales[..., run.columns]) for run in self.mix.runs(number, self.used)]
        return self._runs[number]


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


class Group(nn.Module):
    """Layers that read the same input.

    `down` [columns, in]: their down-projections, by adapter. `ups`: of every layer [own columns, out]. `shared`: where
    all adapters have the same down-projections, `down` holds these so many once, and one product serves all adapters.
    Dense, the layers' weights are kept as one matrix, `weight` [out of all (and shared), in], in the order in which the
    processor multiplies where there is one (`ordered`), and so are the up-projections, `up` [columns, out of all (and
    shared)], with zeros where a column is another layer's: on CPUs calls cost more than zeros.
    """

    def __init__(self, layers: Sequence[SoupLinear], dense: bool):
        super().__init__()
        self.layers = tuple(layers)
        self.sizes = [layer.base.out_features for layer in layers]
        deltas = [
            (adapter, i, layer.deltas[adapter])
            for adapter in range(len(layers[0].deltas))
            for i, layer in enumerate(layers)
            if layer.deltas[adapter] is not None
        ]
        self.number = 0  # of its layout, among those of the soup
        self.layout: Layout = tuple((adapter, i) for adapter, i, (down, _) in deltas for _ in down)
        down = torch.cat([down for _, _, (down, _) in deltas])
        once = down[: sum(adapter == self.layout[0][0] for adapter, _ in self.layout)]
        times = len(down) // len(once)
        alike = self.layout == tuple((adapter, i) for adapter in range(times) for _, i in self.layout[: len(once)])
        self.shared = len(once) if times > 1 and alike and torch.equal(down, once.repeat(times, 1)) else 0
        self.register_buffer("down", once.clone() if self.shared else down, persistent=False)
        for i, layer in enumerate(layers):
            up = torch.cat([up for _, place, (_, up) in deltas if place == i])
            self.register_buffer(f"up_{i}", up, persistent=False)
            layer.deltas = ()
            layer.group = self
        self.ups = [getattr(self, f"up_{i}") for i in range(len(layers))]
        for name in ("weight", "bias", "up"):
            self.register_buffer(name, None, persistent=False)
        self.ordered = False
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
        self.up = self.down.new_zeros(len(self.layout), len(self.weight))
        starts = [sum(self.sizes[:i]) for i in range(len(self.layers))]
        for i, (start, up) in enumerate(zip(starts, self.ups, strict=True)):
            own = [column for column, (_, layer) in enumerate(self.layout) if layer == i]
            self.up[own, start : start + self.sizes[i]] = up
        self.ordered = self.weight.dtype == torch.bfloat16 and self.weight.device.type == "cpu" and ORDERS
        if self.ordered:  # the same values; no buffer any more, since it has no strides
            weight = torch.ops.mkldnn._reorder_linear_weight(self.weight, ROWS)
            del self.weight
            self.weight = weight
        for layer in self.layers:
            layer.base = None
        for name in [name for name, _ in self.named_buffers() if name.startswith("up_")]:
            delattr(self, name)
        self.ups = []

    def bare(self, layer: SoupLinear, x: torch.Tensor) -> torch.Tensor:
        """The layer without adapters, outside of any pass."""
        if self.weight is None:
            return layer.base(x)
        return self._product(x).split([*self.sizes, self.shared], dim=-1)[self.layers.index(layer)]

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        """Dense: x (rows, T, in) times all weights: (rows, T, out of all (and shared))."""
        if self.ordered:
            return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
        return linear(x, self.weight, self.bias)

    def outputs(self, asked: SoupLinear, x: torch.Tensor, now: Pass) -> torch.Tensor:
        """The output of the layer that was asked first; those of the others are left for them."""
        parts = self._packed(x, now) if self.weight is None else self._dense(x, now)
        if len(parts) == 1:
            return parts[0]
        now.left.update(zip(self.layers, parts, strict=True))
        return now.left.pop(asked)

    def _dense(self, x: torch.Tensor, now: Pass) -> Sequence[torch.Tensor]:
        """The outputs of all layers, which lie side by side."""
        whole = self._product(x)
        for run, scale in now.runs(self.number):
            scaled = self._scaled(x, run, scale, whole[..., -self.shared :] if self.shared else None)
            whole.flatten(0, 1).addmm_(scaled, self.up[run.columns])
        return whole.split([*self.sizes, self.shared], dim=-1)[: len(self.sizes)]

    def _packed(self, x: torch.Tensor, now: Pass) -> list[torch.Tensor]:
        """The outputs of all layers."""
        parts = [layer.base(x) for layer in self.layers]
        hidden = linear(x, self.down) if self.shared else None
        for run, scale in now.runs(self.number):
            scaled = self._scaled(x, run, scale, hidden)
            for part, up, own, rows in zip(parts, self.ups, run.own, run.ups, strict=True):
                part.flatten(0, 1).addmm_(scaled if own is None else scaled.index_select(1, own), up[rows])
        return parts

    def _scaled(self, x: torch.Tensor, run: Run, scale: torch.Tensor, hidden: torch.Tensor | None) -> torch.Tensor:
        """What goes up (rows * T, columns): what went down, times the coefficients. `hidden`: that of shared ones."""
        if hidden is None:
            return (linear(x, self.down[run.columns]) * scale).flatten(0, 1)
        each = scale.unflatten(-1, (-1, self.shared))  # (rows, 1, adapters, shared)
        return (hidden.unsqueeze(-2) * each).flatten(-2).flatten(0, 1)


def values(layer: nn.Linear) -> torch.Tensor:
    """The weights [out, in] of a linear layer, those of a 4-bit one de-quantised."""
    import bitsandbytes as bnb

    if isinstance(layer, bnb.nn.Linear4bit):
        return bnb.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    return layer.weight.data
