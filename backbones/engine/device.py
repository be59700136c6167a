"""Numbers sent to a device and read from it while it works on, and its memory when it is full."""

import torch


def sent(values: list, device: torch.device) -> torch.Tensor:
    """A tensor of `values` on `device`. The host does not wait for what CUDA still computes."""
    return torch.tensor(values, pin_memory=device.type == "cuda").to(device, non_blocking=True)


class Coming:
    """Numbers on their way to the host.

    The way starts here: what the device is given to do afterwards is not waited for when they are read.
    """

    def __init__(self, numbers: torch.Tensor):
        self._numbers = numbers.to("cpu", non_blocking=True)  # from CUDA into pinned memory
        self._there = torch.cuda.Event() if numbers.is_cuda else None
        if self._there:
            self._there.record()

    def read(self) -> list:
        """The numbers, as soon as they are there."""
        if self._there:
            self._there.synchronize()
        return self._numbers.tolist()


def out_of_memory(error: Exception) -> bool:
    """Whether this is what `error` says."""
    cpu = "DefaultCPUAllocator" in str(error)  # torch raises a plain RuntimeError where the CPU's memory is full
    return cpu or isinstance(error, torch.OutOfMemoryError | MemoryError)
