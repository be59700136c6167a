"""Folders that appear whole or not at all."""

from pathlib import Path

import pytest

from backbones.store.files import new_folder


def test_a_new_folder_appears_at_the_end_and_not_after_an_exception(tmp_path):
    target = tmp_path / "below" / "set"
    with pytest.raises(RuntimeError), new_folder(target) as made:
        (made / "half").write_text("")
        raise RuntimeError
    assert not list(target.parent.iterdir())
    with new_folder(target) as made:
        (made / "whole").write_text("")
        assert not target.exists()
    assert [file.name for file in target.iterdir()] == ["whole"] and len(list(target.parent.iterdir())) == 1
    with pytest.raises(ValueError, match="name a new one"), new_folder(target):
        pass
    for nameless in (".", ".."):  # the folder where somebody stands cannot be put in place in one step
        with pytest.raises(ValueError, match="has no name of its own: name a new folder"), new_folder(Path(nameless)):
            pass
