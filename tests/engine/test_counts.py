"""What a step moves, counted: bytes written to the cache and read, operations, copies, and reads by the host."""

from collections import Counter

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import LlamaConfig, LlamaForCausalLM

from backbones.engine.batch import Batch
from backbones.engine.soup import Soup
from backbones.store.adapters import Adapter
from benchmarks.random_models import SHAPES, Numbers
from tests.engine.test_architectures import layers_of
from tests.engine.tiny import again, several, tiny_row

LAYERS, RANK, ADAPTERS, ROWS, POSITIONS = 2, 64, 6, 64, 640  # beside the shapes of 8 B
HEADS, SIZE = 8, 128
KEYS = ROWS * POSITIONS * HEADS * SIZE * 2  # bytes of a layer's keys


class Calls(TorchDispatchMode):
    """Every operation but views, with the tensors that it reads and the numbers of bytes that it makes."""

    def __init__(self):
        super().__init__()
        self.calls: list[tuple[str, list[torch.Tensor], int]] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        name = function._schema.name.removeprefix("aten::")
        aliases = [out.alias_info for out in function._schema.returns]
        if not name.startswith("prim::") and all(alias is None or alias.is_write for alias in aliases):
            made = 0 if any(aliases) else sum(t.nbytes for t in tree_leaves(result) if isinstance(t, torch.Tensor))
            read = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
            self.calls.append((name, read, made))
        return result


def written(calls: Calls, tensors: list[torch.Tensor]) -> Counter:
    """Bytes that operations wrote to `tensors`, by name."""
    own, found = {t.untyped_storage().data_ptr() for t in tensors}, Counter()
    for name, read, _ in calls.calls:
        if name.endswith("_") and read[0].untyped_storage().data_ptr() in own:
            found[name] += (read[-1] if name == "index_copy_" else read[0]).nbytes
    return found


def test_joining_writes_nothing_a_step_what_is_new_and_leaving_the_row_that_moves(soup):
    rows, batch = [again(row, max_new_tokens=40) for row in several(5)], Batch(soup, 8)
    batch.add(rows[:4])
    batch.step()
    cache = [*batch.cache.keys, *batch.cache.values]
    token = 32 * 4 * 2  # bytes: head size, fp32, heads
    with Calls() as joining:
        batch.add([again(rows[4])])
        batch.drop(batch.live[4:])
    assert written(joining, cache) == {}
    with Calls() as step:
        batch.step()
    assert written(step, cache) == {"index_copy_": 4 * token * len(cache)}
    length = batch.slots[3].length
    with Calls() as last:
        batch.drop(batch.live[3:])
    assert written(last, cache) == {} and len(batch.slots) == 3
    length = batch.slots[2].length
    with Calls() as first:
        batch.drop(batch.live[:1])
    assert written(first, cache) == {"copy_": length * token * len(cache)}
    assert batch.cache.keys[0].untyped_storage().data_ptr() == cache[0].untyped_storage().data_ptr()


@pytest.fixture(scope="module")
def large():
    """A soup of two layers of an 8 B model, in bf16, without numbers."""
    config = LlamaConfig(**SHAPES["8"] | {"num_hidden_layers": LAYERS}, bos_token_id=None, eos_token_id=None)
    with pytest.MonkeyPatch.context() as patch, FakeTensorMode() as mode:
        patch.setattr(torch, "equal", lambda *_: False)  # no A is another's
        torch.set_default_dtype(torch.bfloat16)
        try:
            model = LlamaForCausalLM(config)
        finally:
            torch.set_default_dtype(torch.float32)
        shapes = {name: (layer.in_features, layer.out_features) for name, layer in layers_of(model).items()}
        adapters = [
            Adapter(f"{k}", {name: tuple(torch.empty(RANK, size) for size in sizes) for name, sizes in shapes.items()})
            for k in range(ADAPTERS)
        ]
        soup = Soup(model, Numbers(), adapters, dense=False)
    return mode, soup


def step_of(large, rows, monkeypatch):
    """What one step does in which all rows have all positions, and how often the host reads."""
    reads = []
    monkeypatch.setattr(
        FakeTensor, "tolist", lambda self: reads.append(1) or [[5] * self.shape[1], [0] * self.shape[1]]
    )
    mode, soup = large
    with mode:
        batch = Batch(soup, ROWS)
        asked = {"max_new_tokens": POSITIONS, "top_p": 0.9}
        waiting = [tiny_row("1 2 3 4", ((0.1, 0.2, 0.3, 0.1, 0.1, 0.2),), **asked) for _ in range(rows)]
        batch.add(waiting)
        while any(len(row.tokens) < 2 for row in waiting):
            batch.step()
        for slot in batch.slots:
            slot.length = POSITIONS - 1
        reads.clear()
        with Calls() as calls:
            batch.step()
    assert all(len(row.tokens) == 3 for row in waiting)
    return calls.calls, len(reads)


def test_a_step_moves_what_must_be_read_and_little_more(large, monkeypatch):
    """Cache and adapters, with all activations between them. The base's own products are counted apart."""
    calls, _ = step_of(large, ROWS, monkeypatch)
    soup = large[1]
    base = {id(weight) for weight in soup.model.parameters()}
    until = max(i for i, (name, *_) in enumerate(calls) if name == "linear")  # the head; then comes the sampler
    moved = 0
    for name, read, made in calls[:until]:
        if any(id(t) in base for t in read) and name in ("linear", "embedding"):
            continue
        own = read[1:] if name == "index_copy_" else read  # of the cache it writes what is new
        change = read[-1 if name == "index_copy_" else 0].nbytes if name.endswith("_") else 0
        moved += sum(t.nbytes for t in own) + made + change
    adapters = sum(t.nbytes for group in soup.groups for t in (group.down, *group.ups))
    layers = [layer.base for group in soup.groups for layer in group.layers]
    sizes = sum(layer.in_features + layer.out_features for layer in layers)
    assert adapters == ADAPTERS * RANK * 2 * sizes  # no zeros beside them
    needed = LAYERS * 2 * KEYS + adapters
    print(f"{moved / needed:.3f} of what must be read")
    assert moved < 1.3 * needed


def test_no_operation_copies_the_cache(large, monkeypatch):
    calls, _ = step_of(large, ROWS, monkeypatch)
    assert max(made for _, _, made in calls) < KEYS / 2
    readers = Counter(name for name, read, _ in calls if max((t.nbytes for t in read), default=0) >= KEYS)
    assert set(readers) <= {"scaled_dot_product_attention", "index_copy_", "linear", "embedding"}
    assert readers["scaled_dot_product_attention"] == LAYERS and readers["index_copy_"] == 2 * LAYERS


def test_operations_and_host_reads_do_not_depend_on_the_rows(large, monkeypatch):
    counts = {}
    for rows in (1, 8, ROWS):
        calls, reads = step_of(large, rows, monkeypatch)  # any other read, of one number say, is an error there
        assert reads == 1
        counts[rows] = Counter(name for name, *_ in calls)
    assert counts[1] == counts[8] == counts[ROWS]
    print(f"{counts[1].total()} operations: {counts[1]}")
    assert counts[1].total() <= 70 * LAYERS + 90


def test_the_host_reads_once_a_step(soup, monkeypatch):
    reads, tolist, item = [], torch.Tensor.tolist, torch.Tensor.item
    batch = Batch(soup)
    batch.add([again(row, top_p=0.1) for row in several(5)])  # of a wider nucleus than is sorted it reads once more
    batch.step()
    for name, real in (("tolist", tolist), ("item", item)):
        monkeypatch.setattr(torch.Tensor, name, lambda self, real=real: reads.append(1) or real(self))
    with Calls() as calls:
        batch.step()
    assert len(reads) == 1
    assert "_local_scalar_dense" not in {name for name, *_ in calls.calls}
