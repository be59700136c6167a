"""The reward models of the task reframe: `train.reframe.bright` and `train.reframe.true`."""
