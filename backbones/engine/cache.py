"""Keys and values of many rows, preallocated: a slot a row. Nothing is copied but what is new, and a row that moves."""

import torch
from transformers import Cache

from backbones.store.footprint import CHUNK


class SlotCache(Cache):
    """A cache of `slots` rows of up to `capacity` positions, for every layer [slots, capacity + 1, heads, size].

    The last position takes what pads a pass and is never read. `aim` says which slots and positions the tokens of the
    next forward pass have; `update` writes theirs and gives the layers a view of what they may attend to.
    """

    def __init__(self, slots: int):
        super().__init__(layers=[])
        self.slots, self.capacity = slots, 0
        self.keys: list[torch.Tensor] = []
        self.values: list[torch.Tensor] = []
        self.rows, self.longest = slice(0, 0), 0
        self.places = torch.empty(0, dtype=torch.long)

    def reserve(self, positions: int, used: int) -> None:
        """Make room for rows of this length. Those of the first `used` slots are copied, once for every such growth.

        After an exception, for lack of memory say, all is as it was; so what was and what will be are held together,
        but where no slot is in use.
        """
        if positions > self.capacity:
            capacity = -(-positions // CHUNK) * CHUNK
            if used:
                self.keys, self.values = (
                    [self._longer(old, capacity, used) for old in tensors] for tensors in (self.keys, self.values)
                )
            else:
                self.keys, self.values = [], []  # the next pass makes them
            self.capacity = capacity

    def _longer(self, old: torch.Tensor, capacity: int, used: int) -> torch.Tensor:
        new = old.new_zeros(self.slots, capacity + 1, *old.shape[2:])
        new[:used, : self.capacity] = old[:used, :-1]
        return new

    def aim(self, first: int, positions: torch.Tensor, longest: int) -> None:
        """The next pass is of tokens at `positions` (rows, T) of the slots from `first` on; -1 is padding.

        `longest`: the greatest number of positions that one of its rows then has.
        """
        count = len(positions)
        self.rows, self.longest = slice(first, first + count), longest
        starts = torch.arange(first, first + count, device=positions.device).unsqueeze(1) * (self.capacity + 1)
        self.places = (starts + positions % (self.capacity + 1)).flatten()  # of -1 the last

    def update(self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *args, **kwargs):
        """Write (rows, heads, T, size) and return views (rows, heads, longest, size)."""
        if layer_idx == len(self.keys):
            keys, values = (
                new.new_zeros(self.slots, self.capacity + 1, new.shape[1], new.shape[3])
                for new in (key_states, value_states)
            )
            self.keys.append(keys)  # both or, for lack of memory, neither
            self.values.append(values)
        views = []
        for tensors, new in ((self.keys, key_states), (self.values, value_states)):
            whole = tensors[layer_idx]
            whole.flatten(0, 1).index_copy_(0, self.places, new.transpose(1, 2).flatten(0, 1))
            views.append(whole[self.rows, : self.longest].transpose(1, 2))
        return views[0], views[1]

    def move(self, source: int, target: int, length: int) -> None:
        """Copy the row of a slot, `length` positions long, to another."""
        for tensor in (*self.keys, *self.values):
            tensor[target, :length] = tensor[source, :length]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Of the longest row; masks and positions are given to the model, which need not ask."""
        return self.longest
