"""Files are written as a whole or not at all, and only regular files are replaced."""

import os
import stat
from pathlib import Path

import pytest

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.diagnostics import DiagnosticError


def test_a_file_is_replaced_and_nothing_else_stays(tmp_path: Path):
    target = tmp_path / "result.json"
    target.write_bytes(b"old")
    write_atomically(target, b"new")
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_full_device_is_an_error_and_stays_a_device():
    with pytest.raises(DiagnosticError, match=r"cannot write `/dev/full`: No space left"):
        write_atomically("/dev/full", b"x" * 100_000)
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_a_link_is_followed(tmp_path: Path):
    target, link = tmp_path / "real", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_folder_is_an_error(tmp_path: Path):
    with pytest.raises(DiagnosticError, match="Is a directory"):
        write_atomically(tmp_path, b"x")
