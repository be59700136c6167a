"""Waiting for what another thread or process does."""

import time

import pytest


def until(condition):
    """Wait for what comes about soon."""
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not come about")
