"""A file is replaced whole or stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.whole_file import MODE, replacing


def test_a_new_file_appears_whole(tmp_path: Path) -> None:
    file = tmp_path / "new"
    with replacing(file) as stream:
        stream.write(b"content")
        assert not file.exists()
    assert file.read_bytes() == b"content"
    assert file.stat().st_mode & 0o777 == MODE
    assert [*tmp_path.iterdir()] == [file]


def test_what_was_there_gives_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "old", tmp_path / "link"
    file.write_bytes(b"old")
    file.chmod(0o600)
    link.symlink_to(file)
    with replacing(link) as stream:
        stream.write(b"new")
    assert link.is_symlink()
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o600)


def test_after_an_error_the_old_file_is_all_there_is(tmp_path: Path) -> None:
    file = tmp_path / "old"
    file.write_bytes(b"old")

    def write_half() -> None:
        with replacing(file) as stream:
            stream.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert file.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [file]
