"""What the CPU cannot tell: the served merge, decoding, serving and measuring on CUDA, in fp32 and bf16."""

import copy
import json
import math
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM

from backbones.engine.batch import Batch
from backbones.engine.device import Coming, sent
from backbones.engine.jobs import Waiting
from backbones.engine.scheduler import Scheduler
from backbones.engine.soup import Soup
from backbones.store import footprint
from backbones.store.adapters import read_adapter
from backbones.store.exporting import merged_model, plain_base
from benchmarks import scaling
from benchmarks.random_models import Numbers, random_adapters, random_model, random_rows, twin
from tests.engine.test_architectures import MODELS, adapters_of, compared
from tests.engine.test_batch import finished, requests_of
from tests.engine.test_soup import MIXES, served
from tests.engine.tiny import again, request, tiny_row, tiny_writer, tokens

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")

DEVICE = "cuda"
IDS = torch.arange(100, 112).view(2, 6)
FP32 = {"atol": 5e-4, "rtol": 5e-4}  # sums of up to 128 products in another order, over two layers; TF32 is off
# bf16 keeps 8 bits: up to 2^-9 of every activation is lost at each of ten or so roundings on a token's way. Errors are
# compared with the spread of the logits, as a logit near zero has no relative error worth the name. In bf16 on the CPU
# they are 0.013 to 0.031; the logits of another merge are off by 0.6 or more.
BF16 = 0.08


@pytest.fixture(scope="module", autouse=True)
def exact():
    """fp32 is meant: no TF32 in matrix products."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cuda.matmul.allow_tf32 = before


@pytest.fixture(scope="module")
def fp32(base, adapters):
    return Soup.load(base, adapters, DEVICE, torch.float32)


@pytest.fixture(scope="module")
def bf16(base, adapters):
    return Soup.load(base, adapters, DEVICE, torch.bfloat16)


def error(logits, expected):
    """Root mean square of the difference over the spread of what is expected."""
    logits, expected = logits.float().cpu(), expected.float().cpu()
    return ((logits - expected).square().mean().sqrt() / expected.std()).item()


def dense(base, adapters, coefficients):
    """Logits on the CPU in fp32 of the de-quantised base with sum_k c_k U_k D_k added into its weights."""
    total = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, device_map={"": "cpu"}).dequantize()
    for folder, c in zip(adapters.values(), coefficients, strict=True):
        for name, (down, up) in read_adapter(folder).deltas.items():
            total.get_submodule(name).weight.data += c * up.T @ down
    with torch.no_grad():
        return total(IDS).logits


def several(n, **settings):
    """Rows of two prompts and all mixes."""
    settings = {"temperature": 0.8, "top_p": 0.9, "max_new_tokens": 24, **settings}
    return [
        tiny_row(("<name> is", "<name> serves Italian")[i % 2], (MIXES[i % 5],), seed=i, **settings) for i in range(n)
    ]


def test_the_default_on_cuda_is_bf16_beside_four_bit_weights(base, adapters):
    soup = Soup.load(base, adapters, DEVICE)
    assert soup.device.type == DEVICE and soup.dtype == torch.bfloat16
    assert all(p.device.type == DEVICE for p in (*soup.model.parameters(), *soup.model.buffers()))
    assert any(p.dtype == torch.uint8 for p in soup.model.parameters())


@pytest.mark.parametrize("coefficients", MIXES)
def test_served_logits_equal_a_dense_merge(base, adapters, fp32, bf16, coefficients):
    expected = dense(base, adapters, coefficients)
    torch.testing.assert_close(served(fp32, IDS.to(DEVICE), [coefficients] * 2).cpu(), expected, **FP32)
    assert error(served(bf16, IDS.to(DEVICE), [coefficients] * 2), expected) < BF16


def test_bf16_is_near_its_own_merge_and_far_from_the_others(fp32, bf16):
    """The tolerance of bf16 is far below what a wrong merge would show."""
    for i, row in enumerate(MIXES):
        logits = served(bf16, IDS.to(DEVICE), [row] * 2)
        errors = [error(logits, served(fp32, IDS.to(DEVICE), [other] * 2)) for other in MIXES]
        assert errors[i] < BF16 and min(errors[:i] + errors[i + 1 :]) > 2 * errors[i], errors


@pytest.mark.parametrize("rows", [1, 3, 8, 40])  # bitsandbytes has another kernel for few rows than for many
def test_rows_of_a_mixed_batch_equal_the_same_rows_alone(fp32, bf16, rows):
    ids, mixes = IDS[:1].repeat(rows, 1).to(DEVICE), [MIXES[i % 5] for i in range(rows)]
    together, rounded = served(fp32, ids, mixes), served(bf16, ids, mixes)
    for i, row in enumerate(mixes):
        torch.testing.assert_close(together[i : i + 1], served(fp32, ids[:1], [row]), **FP32)
        assert error(rounded[i : i + 1], served(bf16, ids[:1], [row])) < BF16


@pytest.mark.parametrize("coefficients", MIXES)
def test_cuda_equals_the_cpu(soup, fp32, coefficients):
    on_cpu = served(soup, IDS, [coefficients] * 2)
    torch.testing.assert_close(served(fp32, IDS.to(DEVICE), [coefficients] * 2).cpu(), on_cpu, **FP32)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_sampling_is_reproducible(fp32, bf16, precision):
    soup, rows = fp32 if precision == "fp32" else bf16, several(10)
    first = tokens(soup, rows)
    assert first == tokens(soup, rows)
    assert first != tokens(soup, [again(row, seed=row.request.seed + 100) for row in rows])


@pytest.mark.parametrize("name", MODELS)
def test_greedy_texts_are_those_of_generate(record_property, name):
    torch.manual_seed(3)
    model = MODELS[name]().eval().to(DEVICE)
    adapters = adapters_of(model)
    ties = compared(Soup(copy.deepcopy(model), Numbers(), adapters), model, adapters, 40)
    record_property("texts of 40 that differ at a tie", ties)
    assert ties <= 2


def test_in_fp32_a_text_is_the_same_alone_in_a_batch_and_joining_late(fp32, adapters):
    writer = tiny_writer(fp32, adapters)
    rows = writer.rows(requests_of(writer))
    alone = [tokens(fp32, [row])[0] for row in rows]
    assert sum(map(len, alone)) > 150
    assert tokens(fp32, rows) == alone
    for late in (True, False):
        assert finished(Batch(fp32, late=late), rows, 2) == alone
        assert finished(Batch(fp32, 5, late=late), rows, 2) == alone  # slots are taken again


def test_in_bf16_some_texts_depend_on_their_neighbours(bf16, adapters, record_property):
    """There the logits of a row depend on the kernel, which depends on the rows of the batch."""
    writer = tiny_writer(bf16, adapters)
    rows = [again(row, seed=seed) for seed in range(6) for row in writer.rows(requests_of(writer))]
    alone = [tokens(bf16, [row])[0] for row in rows]
    for name, others in (("batch", tokens(bf16, rows)), ("joining late", finished(Batch(bf16), rows, 2))):
        differ = sum(one != other for one, other in zip(alone, others, strict=True))
        record_property(f"bf16, {name}: texts of {len(rows)} that differ", differ)
        print(f"bf16, {name}: {differ} of {len(rows)} texts differ")
        assert differ < len(rows) / 2  # random weights: many tokens are nearly as likely as the likeliest


def test_what_the_device_does_later_is_not_waited_for():
    numbers, later = torch.tensor([[1, 2], [3, 4]], device=DEVICE), torch.cuda.Event()
    assert Coming(sent([5], numbers.device)).read() == [5]  # pinned memory is there from now on
    coming = Coming(numbers)
    torch.cuda._sleep(2**31)  # about a second
    later.record()
    more = sent([6, 7], numbers.device)
    assert coming.read() == [[1, 2], [3, 4]] and not later.query()
    assert more.tolist() == [6, 7] and later.query()


def test_the_host_reads_once_a_step_a_step_late_and_waits_for_nothing_else(bf16, monkeypatch):
    rows = several(6, max_new_tokens=60, top_p=0.1)  # of a nucleus wider than what is sorted it reads once more
    batch, reads, read = Batch(bf16), [], Coming.read
    monkeypatch.setattr(bf16, "ends", set())
    batch.add(rows)
    for _ in range(5):
        batch.step()
    assert batch.late and [len(row.tokens) for row in rows] == [4] * 6
    monkeypatch.setattr(Coming, "read", lambda self: reads.append(1) or read(self))
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(10):
            batch.step()
        assert len(reads) == 10
        batch.drop(rows[:2])  # nor when rows leave and join
        batch.add([again(rows[0])])
        for _ in range(10):
            batch.step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert [len(row.tokens) for row in rows] == [14] * 2 + [24] * 4


def test_memory_does_not_grow_with_the_number_of_requests(fp32, adapters):
    writer, held = tiny_writer(fp32, adapters), []
    rows, batch = writer.rows(requests_of(writer)), Batch(fp32, 8)
    for _ in range(8):
        finished(batch, rows, 2)
        held.append(torch.cuda.memory_allocated())
    assert max(held) <= held[1], held


def test_the_bare_base_writes_and_a_soup_of_nothing_writes_the_same():
    model, none = random_model("0.005", DEVICE, torch.bfloat16), (0.0,) * 4
    bare = Soup(model, Numbers(), [])
    soup = Soup(twin(model), Numbers(), random_adapters(model, 4, 8))
    written = tokens(bare, random_rows([()] * 5, prompt=5, tokens=8))
    assert [len(row) for row in written] == [8] * 5
    assert written == tokens(soup, random_rows([none] * 5, prompt=5, tokens=8))
    assert written != tokens(soup, random_rows(MIXES, prompt=5, tokens=8))


def test_the_scheduler_serves_many_at_once(fp32, adapters):
    writer = tiny_writer(fp32, adapters)
    jobs = [
        [request(k, preference=(k / 6, 1 - k / 6), method=method) for method in ("bone-soup", "mod", "base")]
        for k in range(7)
    ]
    alone = [writer.write(job) for job in jobs]
    serving = Scheduler({"tiny": writer}, max_rows=16)
    running = [serving.stream("tiny", job) for job in jobs]
    firsts = [next(job) for job in running]  # all are queued before any is read to its end
    for first, job, expected in zip(firsts, running, alone, strict=True):
        news = [first, *job]
        assert not isinstance(news[-1], Waiting)
        assert [text.raw for text in news[-1]] == [text.raw for text in expected]


@pytest.mark.parametrize("name", ["nf4", "fp32"])
def test_models_are_exported_where_there_is_a_gpu_too(base, adapters, fp32, tmp_path, name):
    """The CPU computes them, though transformers would load a 4-bit base onto the GPU."""
    tiny = replace(tiny_writer(fp32, adapters).set, base_folder=base.parent / name)
    mu = tiny.preference((0.9, 0.1))
    merged_model(tiny, "bone-soup", mu, tmp_path / "model", torch.float32)
    plain_base(tiny, tmp_path / "base")
    if name == "nf4":
        merge = tiny.merge("bone-soup", mu).coefficients
        coefficients = [merge.get(adapter, 0.0) for adapter in fp32.adapter_names]
        with torch.no_grad():
            logits = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32)(IDS).logits
        torch.testing.assert_close(served(fp32, IDS.to(DEVICE), [coefficients] * 2).cpu(), logits, **FP32)


def test_memory_that_is_free_is_told():
    free = footprint.available(DEVICE)
    held = torch.empty(2**28, dtype=torch.uint8, device=DEVICE)
    assert free - footprint.available(DEVICE) == pytest.approx(held.nbytes, rel=0.2)
    assert 0 < free <= torch.cuda.get_device_properties(0).total_memory
    assert footprint.peak(DEVICE, lambda: torch.empty(2**28, dtype=torch.uint8, device=DEVICE)) >= 2 * held.nbytes


def test_scaling_measures_everything_on_cuda(monkeypatch, capsys, tmp_path):
    file = tmp_path / "scaling.json"
    small = "--sizes 0.005 --adapters 4 --rank 4 --batches 1 3 --prompt 5 --tokens 6 --sweep 3 --repeats 1"
    monkeypatch.setattr("sys.argv", ["scaling", *small.split(), "--device", DEVICE, "--json", str(file)])
    scaling.main()
    (figures,) = json.loads(file.read_text())["sizes"].values()
    values = [v for row in figures["decoding"] for v in (row[0], *row[2:])]
    for key in ("sweep", "memory", "slider"):
        values += figures[key].values()
    assert all(isinstance(v, (int, float)) and math.isfinite(v) and v > 0 for v in values), figures
    out = capsys.readouterr().out
    assert all(f"\n| {head} |\n" in out for head in scaling.HEADS.values())
