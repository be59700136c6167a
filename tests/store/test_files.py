"""Folders that appear whole or not at all."""

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
