"""Steps of reinforcement learning whose gradient is not finite."""

from types import SimpleNamespace

import pytest
import torch
from transformers import Trainer, TrainingArguments

from train.finite import Finite


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1.0])
def test_one_value_that_is_not_finite_leaves_all_weights_as_they_are(value):
    model = torch.nn.Linear(2, 2)
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    model(torch.ones(1, 2)).sum().backward()
    model.bias.grad[1] = value
    Finite().on_pre_optimizer_step(None, SimpleNamespace(global_step=3), None, model=model)
    optimizer.step()
    same = all(torch.equal(now, then) for now, then in zip(model.parameters(), before, strict=True))
    assert same == (value != 1.0)


def broken(tmp_path, steps):
    """A model whose gradient is never finite, after as many steps."""

    class Broken(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def forward(self, x, labels=None):
            return {"loss": (self.weight * x).sqrt().sum()}  # of a negative number: NaN, and so its gradient

    model = Broken()
    rows = [{"x": torch.tensor([-1.0]), "labels": torch.tensor([0])}]
    args = TrainingArguments(str(tmp_path), max_steps=steps, use_cpu=True, report_to="none", save_strategy="no")
    Trainer(model=model, args=args, train_dataset=rows, callbacks=[Finite()]).train()
    return model


def test_the_trainer_asks_it_with_the_model(tmp_path):
    assert broken(tmp_path, 2).weight.item() == 1.0


def test_a_run_that_has_no_finite_gradient_any_more_ends(tmp_path):
    with pytest.raises(RuntimeError, match="no gradient of 4 steps in a row is finite"):
        broken(tmp_path, 6)
