"""The host's plan: what a program asks for beside the instruction streams.

A compiled image carries its plan as JSON text: which data to feed, for how long, which
parameters to start from. `Task` is what a program says; a `Plan` adds the number of samples,
which fixes the batch sizes and with them the streams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from spikeloom.diagnostics import error

INFERENCE_BATCH = 64
"""Samples that a program without training handles at a time."""

Count = Annotated[int, Field(ge=1, le=2**24)]
Extents = tuple[Count, ...]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
TestFraction = Annotated[float, Field(ge=0.0, lt=1.0)]
Encoding = Literal["rate", "latency", "direct"]
Element = Literal["bit", "f32"]
StreamKind = Literal["train", "test"]


@dataclass(frozen=True)
class DataSizes:
    """How much data there is: samples to train on and to test with, and steps of each."""

    train_samples: int
    test_samples: int
    steps: int


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ParameterPlan(_Record):
    """A tensor that outlives a batch, with the shape that the language gives it.

    [out, in] or [out, in, kernel, kernel] of weights, [out] of biases, [channels] of the numbers
    of a normalization. It starts uniformly with `fan_in`, or as a `constant`; a `running` one is
    a statistic of the data and not trained.
    """

    name: str
    shape: Annotated[Extents, Field(min_length=1, max_length=4)]
    fan_in: Count | None = None
    constant: float | None = None
    running: bool = False
    location: str

    @model_validator(mode="after")
    def _check_start(self) -> Self:
        if (self.fan_in is None) == (self.constant is None):
            raise ValueError("a parameter starts with a fan_in or as a constant")
        return self


class LayerPlan(_Record):
    """A layer of neurons; `shape` is that of one sample at one step."""

    name: str
    kind: Literal["lif", "li"]
    shape: Extents
    location: str


class DigitsData(_Record):
    """`digits(encode, test)`: 1797 handwritten digits of 8 x 8 pixels."""

    source: Literal["digits"] = "digits"
    encode: Encoding = "rate"
    test: TestFraction = 0.2


class FileData(_Record):
    """`file("x.npz")`: recordings over time, with labels; they need no encoding."""

    source: Literal["file"] = "file"
    path: str
    encode: Literal["direct"] = "direct"
    test: TestFraction = 0.2


class RandomData(_Record):
    """`random(rate, classes, samples)`: random spikes with random labels, to measure with."""

    source: Literal["random"] = "random"
    rate: Annotated[float, Field(ge=0.0, le=1.0)]
    classes: Count
    samples: Count
    test: TestFraction = 0.2


class DelayedMatchData(_Record):
    """`delayed_match(symbols, samples, noise)`: were two symbols, shown apart, the same?"""

    source: Literal["delayed_match"] = "delayed_match"
    symbols: Annotated[int, Field(ge=2, le=2**24)]
    samples: Count
    noise: Annotated[float, Field(ge=0.0, le=1.0)]
    test: TestFraction = 0.2


Data = Annotated[
    DigitsData | FileData | RandomData | DelayedMatchData, Field(discriminator="source")
]


class OptimizerPlan(_Record):
    """The optimizer's name and numbers, for reports; the streams carry them as immediates."""

    name: str
    rate: float
    momentum: float = 0.0
    decay: float = 0.0


class TrainingPlan(_Record):
    """The `train` block of a program."""

    steps: Count
    batch: Count
    epochs: Count
    seed: Seed
    loss: Literal["cross_entropy", "mse"]
    optimizer: OptimizerPlan
    data: Data


class Task(_Record):
    """What a program says; `program` is its path as the user wrote it.

    `training` is None for a program that only runs inference.
    """

    program: str
    network: str
    input_shape: Extents
    input_element: Element
    output_shape: Extents
    output_element: Element
    parameters: tuple[ParameterPlan, ...]
    layers: tuple[LayerPlan, ...]
    training: TrainingPlan | None

    def with_sizes(self, sizes: DataSizes) -> Plan:
        """The plan for this much data."""
        fields = {name: getattr(self, name) for name in Task.model_fields}
        return Plan(**fields, sizes=sizes)


class Plan(Task):
    """A task together with the sizes of its data; what an image's metadata hold."""

    sizes: DataSizes

    def to_json(self) -> str:
        """The plan as JSON text that `from_json` reads back; the same for equal plans."""
        return self.model_dump_json()

    @staticmethod
    def from_json(text: str) -> Plan:
        """The plan in `text`.

        Raises:
            DiagnosticError: E0303 naming the first field that is wrong.
        """
        try:
            return Plan.model_validate_json(text)
        except ValidationError as problems:
            first = problems.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "plan"
            raise error("E0303", f"the plan's `{field}` is not valid: {first['msg']}") from None

    @property
    def batch(self) -> int:
        """Samples of a full batch."""
        return self.training.batch if self.training is not None else INFERENCE_BATCH

    @property
    def batches_per_epoch(self) -> int:
        """Training batches of one epoch, the last and smaller one included."""
        return batch_count(self.sizes.train_samples, self.batch)


def batch_count(samples: int, batch: int) -> int:
    """Batches that it takes for this many samples."""
    return -(-samples // batch)


def samples_of_batch(samples: int, batch: int, index: int) -> int:
    """Samples of batch number `index`; only the last may be smaller."""
    return min(batch, samples - index * batch)


def stream_name(kind: StreamKind, samples: int) -> str:
    """The name of the stream for batches of this size: `train[64]`."""
    return f"{kind}[{samples}]"


def needed_streams(plan: Plan) -> tuple[tuple[StreamKind, int], ...]:
    """Kind and batch size of every stream that the plan runs, each once."""
    wanted: dict[tuple[StreamKind, int], None] = {}
    sizes: tuple[tuple[StreamKind, int], ...] = (
        ("train", plan.sizes.train_samples),
        ("test", plan.sizes.test_samples),
    )
    for kind, samples in sizes:
        count = batch_count(samples, plan.batch)
        for index in (0, count - 1) if count else ():
            wanted[kind, samples_of_batch(samples, plan.batch, index)] = None
    return tuple(wanted)
