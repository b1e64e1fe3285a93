"""Data: encodings, splits, files, and randomness that is addressed rather than drawn in turn."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from spikeloom.backend.host import digits
from spikeloom.backend.host.data_file import read_data_file
from spikeloom.backend.host.dataset import Dataset, split
from spikeloom.backend.host.encoding import encode
from spikeloom.backend.host.load_data import load_inference_data, load_training_data
from spikeloom.backend.host.plan import (
    Data,
    DelayedMatchData,
    DigitsData,
    FileData,
    OptimizerPlan,
    RandomData,
    Task,
    TrainingPlan,
    batch_count,
    needed_streams,
    samples_of_batch,
)
from spikeloom.backend.host.randomness import Purpose, generator
from spikeloom.diagnostics import DiagnosticError


def task(
    data: Data,
    *,
    inputs: tuple[int, ...] = (64,),
    element: str = "bit",
    classes: int = 10,
    steps: int = 8,
    program: str = "program.snn",
) -> Task:
    training = TrainingPlan(
        steps=steps,
        batch=64,
        epochs=1,
        seed=1,
        loss="mse",
        optimizer=OptimizerPlan(name="sgd", rate=0.1),
        data=data,
    )
    return Task(
        program=program,
        network="n",
        input_shape=inputs,
        input_element=element,
        output_shape=(classes,),
        output_element="bit",
        parameters=(),
        layers=(),
        training=training,
    )


def load(of: Task, seed: int = 1) -> Dataset:
    assert of.training is not None
    return load_training_data(of, of.training, seed)


def message_of(code: str, of: Task) -> str:
    with pytest.raises(DiagnosticError) as caught:
        load(of)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    return f"{diagnostic.message} | {diagnostic.help}"


# --- encodings ---------------------------------------------------------------------------


def test_rate_spikes_with_the_value_as_probability() -> None:
    values = np.array([[0.0, 0.25, 1.0]], np.float32)
    spikes = encode(values, "rate", 4000, np.random.default_rng(0))
    assert spikes.dtype == np.uint8
    mean = spikes.mean(axis=(0, 1))
    assert mean[0] == 0.0
    assert abs(mean[1] - 0.25) < 0.03
    assert mean[2] == 1.0


def test_latency_spikes_once_and_earlier_for_larger_values() -> None:
    values = np.array([[1.0, 0.5, 0.125, 0.0]], np.float32)
    spikes = encode(values, "latency", 9, np.random.default_rng(0))
    assert spikes.sum(axis=0).tolist() == [[1, 1, 1, 0]]
    assert spikes.argmax(axis=0).tolist() == [[0, 4, 7, 0]]


def test_direct_repeats_the_value() -> None:
    values = np.array([[0.3, 0.7]], np.float32)
    signal = encode(values, "direct", 3, np.random.default_rng(0))
    assert signal.dtype == np.float32
    assert np.array_equal(signal, np.stack([values] * 3))


# --- randomness --------------------------------------------------------------------------


def test_a_batch_does_not_depend_on_the_ones_before() -> None:
    one, other = load(task(DigitsData())), load(task(DigitsData()))
    for index in range(3):
        one.training(4)[index]
    assert np.array_equal(one.training(4)[3].signal, other.training(4)[3].signal)


def test_every_epoch_has_its_own_order_and_spikes_and_tests_stay_the_same() -> None:
    data = load(task(DigitsData()))
    first, second = data.training(0), data.training(1)
    assert sorted(first.order) == sorted(second.order) == data.train.tolist()
    assert not np.array_equal(first.order, second.order)
    assert np.array_equal(data.testing()[0].signal, data.testing()[0].signal)


def test_regions_of_the_counter_do_not_overlap() -> None:
    drawn = [
        generator(7, purpose, epoch, batch).integers(0, 2**63, 64)
        for purpose in Purpose
        for epoch in range(3)
        for batch in range(3)
    ]
    assert len(np.unique(np.concatenate(drawn))) == 64 * len(drawn)


def test_the_largest_seed_is_a_seed() -> None:
    assert generator(2**63 - 1, Purpose.SPLIT).random() != generator(0, Purpose.SPLIT).random()


# --- splits and batches ------------------------------------------------------------------


@pytest.mark.parametrize("samples", [1, 2, 3, 10, 97])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.99])
def test_a_split_is_a_partition_that_leaves_something_to_train_on(
    samples: int, share: float
) -> None:
    train, test = split(samples, share, 3)
    assert sorted([*train, *test]) == list(range(samples))
    assert len(train) >= 1
    assert (len(test) == 0) == (share == 0.0 or samples == 1)


def test_batches_cover_every_sample_once() -> None:
    for samples, sizes in ((10, [4, 4, 2]), (8, [4, 4]), (3, [3]), (0, [])):
        assert batch_count(samples, 4) == len(sizes)
        assert [samples_of_batch(samples, 4, index) for index in range(len(sizes))] == sizes
    data = load(task(DigitsData()))
    batches = data.training(0)
    labels = np.concatenate([batches[i].labels for i in range(len(batches))])
    assert sorted(labels) == sorted(data.labels[data.train])


def test_a_stream_is_needed_for_each_distinct_batch_size() -> None:
    of = task(DigitsData())
    plan = of.with_sizes(load(of).sizes)
    assert needed_streams(plan) == (("train", 64), ("train", 30), ("test", 64), ("test", 39))


# --- digits and random -------------------------------------------------------------------


def test_digits_are_1797_images_with_values_up_to_one() -> None:
    values, labels = digits.read_digits()
    assert values.shape == (1797, 64)
    assert values.min() == 0.0
    assert values.max() == 1.0
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_digits_without_scikit_learn_name_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'spikeloom[data]'" in message_of("E0403", task(DigitsData()))


def test_digits_that_do_not_fit_the_network_are_refused() -> None:
    assert "64 pixels" in message_of("E0403", task(DigitsData(), inputs=(63,)))
    assert "10 classes" in message_of("E0403", task(DigitsData(), classes=9))
    assert "direct" in message_of("E0403", task(DigitsData(encode="direct")))
    assert "rate" in message_of("E0403", task(DigitsData(), element="f32"))


def test_random_data_are_fixed_patterns_of_the_asked_rate() -> None:
    of = task(RandomData(rate=0.1, classes=3, samples=40), inputs=(50,))
    data, again = load(of), load(of)
    assert np.array_equal(data.testing()[0].signal, again.testing()[0].signal)
    assert abs(data.training(0)[0].signal.mean() - 0.1) < 0.02
    assert set(data.labels) <= {0, 1, 2}
    assert not np.array_equal(load(of, seed=2).labels, data.labels)


def test_random_data_with_too_many_classes_are_refused() -> None:
    of = task(RandomData(rate=0.1, classes=11, samples=4))
    assert "classes = 10" in message_of("E0403", of)


def test_images_take_data_with_as_many_cells() -> None:
    data = load(task(DigitsData(), inputs=(1, 8, 8)))
    assert data.testing()[0].signal.shape[2] == 64


def test_a_delayed_match_shows_two_symbols_that_match_as_the_label_says() -> None:
    of = task(DelayedMatchData(symbols=4, samples=200, noise=0.0), inputs=(8,), classes=2, steps=12)
    data = load(of)
    signal = data.source.present(np.arange(200), generator(1, Purpose.TRAIN_ENCODING))
    shown = signal.reshape(4, 3, 200, 4, 2)
    assert (shown == shown[:, :1, :, :, :1]).all(), "a symbol is a group of features, all along"
    phases = shown[:, 0, :, :, 0]
    assert not phases[[1, 3]].any()
    assert (phases[[0, 2]].sum(axis=2) == 1).all()
    first, second = phases[0].argmax(axis=1), phases[2].argmax(axis=1)
    assert data.labels is not None
    assert np.array_equal(first == second, data.labels == 1)
    assert 0.3 < data.labels.mean() < 0.7
    for symbols in (first, second):
        for label in (0, 1):
            assert set(symbols[data.labels == label]) == {0, 1, 2, 3}, "one symbol tells nothing"


def test_a_delayed_match_is_the_same_every_time_and_as_noisy_as_asked() -> None:
    of = task(DelayedMatchData(symbols=2, samples=40, noise=0.1), inputs=(50,), classes=2, steps=40)
    signal = load(of).training(0)[0].signal
    assert np.array_equal(signal, load(of).training(0)[0].signal)
    assert abs(signal[10:20].mean() - 0.1) < 0.01
    assert not np.array_equal(signal, load(of, seed=2).training(0)[0].signal)


def test_delayed_matches_that_do_not_fit_are_refused() -> None:
    match = DelayedMatchData(symbols=4, samples=8, noise=0.0)
    assert "4 symbols" in message_of("E0403", task(match, inputs=(3,), classes=2))
    assert "2 classes" in message_of("E0403", task(match, classes=1))
    assert "4 steps" in message_of("E0403", task(match, classes=2, steps=3))


# --- files -------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.savez(
        tmp_path / "good.npz",
        spikes=(np.arange(5 * 8 * 6) % 3 == 0).reshape(5, 8, 2, 3),
        labels=np.array([0, 1, 2, 1, 0]),
    )
    return tmp_path


def file_task(folder: Path, name: str = "good.npz", **changes: object) -> Task:
    settings = {"inputs": (2, 3), "classes": 3, "program": str(folder / "p.snn"), **changes}
    return task(FileData(path=name, test=0.4), **settings)


def test_a_file_is_found_beside_the_program_and_shared_out(folder: Path) -> None:
    data = load(file_task(folder))
    assert (data.sizes.train_samples, data.sizes.test_samples, data.sizes.steps) == (3, 2, 8)
    batch = data.testing()[0]
    assert batch.signal.shape == (8, 2, 6)
    with np.load(folder / "good.npz") as stored:
        recorded = stored["spikes"].reshape(5, 8, 6)[data.test].swapaxes(0, 1)
        assert np.array_equal(batch.signal, recorded)
        assert np.array_equal(batch.labels, stored["labels"][data.test])


def test_inference_takes_all_samples_in_order_with_or_without_labels(folder: Path) -> None:
    data = load_inference_data(file_task(folder), folder / "good.npz", 0)
    assert data.test.tolist() == [0, 1, 2, 3, 4]
    np.savez(folder / "bare.npz", spikes=np.zeros((3, 8, 6), bool))
    assert load_inference_data(file_task(folder), folder / "bare.npz", 0).labels is None


SPIKES, LABELS = np.zeros((4, 8, 6), np.uint8), np.zeros(4, np.int64)
BAD_FILES = {
    "no spikes": ({"labels": LABELS}, "no array `spikes`"),
    "no labels": ({"spikes": SPIKES}, "no array `labels`"),
    "flat": ({"spikes": np.zeros((4, 8)), "labels": LABELS}, "[samples, steps, 2, 3]"),
    "features": ({"spikes": np.zeros((4, 8, 7)), "labels": LABELS}, "[7] values per step"),
    "steps": ({"spikes": np.zeros((4, 9, 6)), "labels": LABELS}, "steps = 9"),
    "empty": ({"spikes": np.zeros((0, 8, 6)), "labels": LABELS[:0]}, "empty"),
    "binary": ({"spikes": SPIKES + 2, "labels": LABELS}, "2 at [0, 0, 0], but spikes are 0 or 1"),
    "nan": ({"spikes": SPIKES + np.nan, "labels": LABELS}, "nan at [0, 0, 0]"),
    "text": ({"spikes": SPIKES.astype("U1"), "labels": LABELS}, "not numbers"),
    "label count": ({"spikes": SPIKES, "labels": LABELS[:3]}, "one label per sample: [4]"),
    "label kind": ({"spikes": SPIKES, "labels": LABELS + 0.5}, "expected integers"),
    "label range": ({"spikes": SPIKES, "labels": LABELS + 3}, "labels are 0 to 2"),
    "label sign": ({"spikes": SPIKES, "labels": LABELS - 1}, "-1 at [0]"),
    "pickle": ({"spikes": np.array([None]), "labels": LABELS}, "pickled"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_does_not_fit_is_refused_in_one_line(folder: Path, name: str) -> None:
    arrays, words = BAD_FILES[name]
    np.savez(folder / "bad.npz", **arrays)
    message = message_of("E0403", file_task(folder, "bad.npz"))
    assert words in message
    assert "bad.npz" in message
    assert "\n" not in message


def test_currents_must_be_finite_single_precision_numbers(folder: Path) -> None:
    of = file_task(folder, "c.npz", element="f32")
    for value in (np.nan, np.inf, 1e300):
        np.savez(folder / "c.npz", currents=np.full((4, 8, 6), value), labels=LABELS)
        assert "not a finite f32" in message_of("E0403", of)
    np.savez(folder / "c.npz", currents=np.full((4, 8, 6), 0.5), labels=LABELS)
    assert load(of).testing()[0].signal.dtype == np.float32


def test_missing_and_foreign_files_are_told_apart(folder: Path) -> None:
    assert "no such data file" in message_of("E0401", file_task(folder, "none.npz"))
    assert "cannot read" in message_of("E0401", file_task(folder, "."))
    (folder / "text.npz").write_text("PK, but no archive")
    assert "text.npz" in message_of("E0403", file_task(folder, "text.npz"))
    np.save(folder / "one.npy", SPIKES)
    assert "not an .npz archive" in message_of("E0403", file_task(folder, "one.npy"))


def test_any_damage_to_a_file_ends_in_a_diagnostic(folder: Path) -> None:
    whole = (folder / "good.npz").read_bytes()
    of, path = file_task(folder), folder / "damaged.npz"
    random.seed(5)
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(random.randint(1, 4)):
            data[random.randrange(len(data))] = random.randrange(256)
        if random.random() < 0.3:
            del data[random.randrange(len(data)) :]
        path.write_bytes(data)
        with suppress(DiagnosticError):
            read_data_file(path, of, labels_required=True)
