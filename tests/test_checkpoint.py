"""Checkpoints: what goes in comes out, equal states are equal bytes, and damage is named."""

from __future__ import annotations

import errno
import os
import random
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from spikeloom.backend.host.checkpoint import (
    METADATA_KEY,
    Identity,
    check_identity,
    load_checkpoint,
    load_tensors,
    save_checkpoint,
)
from spikeloom.backend.host.progress import EpochReport, EpochSums, Progress, Totals
from spikeloom.diagnostics import DiagnosticError

STATE = {
    "parameter/a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "parameter/a.bias": np.ones(2, np.float32),
    "optimizer/count": np.array([7], np.int32),
}
IDENTITY = Identity(
    network="n",
    parameters=("a.weight [2, 3]", "a.bias [2]"),
    data="digits",
    samples=(10, 2),
    steps=4,
    batch=5,
    loss="mse",
    optimizer="adam",
    seed=3,
    machine="m",
    energy_table="e",
    instructions="0123",
)
PROGRESS = Progress(
    epoch=2,
    batch=1,
    running=EpochSums(loss=0.1 + 0.2, correct=3, samples=5, spikes={"a": 9}),
    history=(EpochReport(loss=1 / 3, train_accuracy=0.5, test_accuracy=None),),
    totals=Totals(cycles=2**70, energy_fj=2**90, counters={"x": 1}),
    warned=("silent a",),
)


def code_and_message(error: pytest.ExceptionInfo[DiagnosticError]) -> tuple[str, str]:
    (diagnostic,) = error.value.diagnostics
    return diagnostic.code, diagnostic.message


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, STATE, IDENTITY, PROGRESS)
    return path


def test_what_is_saved_is_loaded_exactly(saved: Path) -> None:
    tensors, header = load_checkpoint(saved, STATE)
    assert header.identity == IDENTITY
    assert header.progress == PROGRESS
    assert tensors.keys() == STATE.keys()
    for name, tensor in STATE.items():
        assert tensors[name].dtype == tensor.dtype
        assert np.array_equal(tensors[name], tensor)


def test_equal_states_are_equal_bytes_in_whatever_order(saved: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    save_checkpoint(other, dict(reversed(STATE.items())), IDENTITY, PROGRESS)
    assert other.read_bytes() == saved.read_bytes()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("seed", 4, "its seed is 4, but here is 3"),
        ("batch", 6, "its batch is 6"),
        ("steps", 9, "its steps are 9"),
        ("energy_table", "f", "its energy table is f, but here is e"),
        ("instructions", "ffff", "computes something else"),
    ],
)
def test_the_first_difference_is_named(saved: Path, field: str, value: object, words: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        check_identity(saved, IDENTITY.model_copy(update={field: value}), IDENTITY)
    code, message = code_and_message(caught)
    assert code == "E0404"
    assert words in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parameter/a.bias": np.ones(3, np.float32)}, "`parameter/a.bias` has the shape [3]"),
        ({"parameter/a.bias": np.ones(2, np.float64)}, "`parameter/a.bias` holds F64"),
        ({"parameter/a.bias": np.full(2, np.nan, np.float32)}, "not finite"),
        ({"parameter/b": np.ones(1, np.float32)}, "it has a tensor `parameter/b`"),
    ],
)
def test_tensors_that_do_not_fit_are_named(
    saved: Path, change: dict[str, np.ndarray], words: str
) -> None:
    save_checkpoint(saved, {**STATE, **change}, IDENTITY, PROGRESS)
    with pytest.raises(DiagnosticError) as caught:
        load_checkpoint(saved, STATE)
    code, message = code_and_message(caught)
    assert code == "E0404"
    assert words in message


def test_a_missing_tensor_is_named(saved: Path) -> None:
    expected = {**STATE, "parameter/z": np.ones(1, np.float32)}
    with pytest.raises(DiagnosticError, match="no tensor `parameter/z`"):
        load_checkpoint(saved, expected)


def test_inference_takes_the_tensors_it_knows(saved: Path) -> None:
    wanted = {"parameter/a.bias": STATE["parameter/a.bias"]}
    assert load_tensors(saved, wanted).keys() == wanted.keys()


def test_files_of_other_tools_are_told_apart(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_bytes(save(STATE, metadata={METADATA_KEY: "{}"}))
    with pytest.raises(DiagnosticError, match="progress cannot be read"):
        load_checkpoint(foreign, STATE)
    foreign.write_bytes(b"\xff" * 100)
    with pytest.raises(DiagnosticError, match="not a safetensors file"):
        load_checkpoint(foreign, STATE)
    with pytest.raises(DiagnosticError, match="E0401"):
        load_checkpoint(tmp_path / "none", STATE)


def test_any_damage_ends_in_a_diagnostic(saved: Path) -> None:
    whole = saved.read_bytes()
    random.seed(2)
    for _ in range(600):
        data = bytearray(whole)
        for _ in range(random.randint(1, 3)):
            data[random.randrange(len(data))] = random.randrange(256)
        if random.random() < 0.3:
            del data[random.randrange(len(data)) :]
        saved.write_bytes(data)
        with suppress(DiagnosticError):
            load_checkpoint(saved, STATE)


def test_a_full_disk_leaves_the_old_file_and_no_other(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiagnosticError) as caught:
        save_checkpoint(saved, {**STATE, "more": np.ones(9)}, IDENTITY, PROGRESS)
    code, message = code_and_message(caught)
    assert code == "E0402"
    assert "No space left on device" in message
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
