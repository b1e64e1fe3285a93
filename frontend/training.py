"""`train`: settings, data and optimizer, and whether they fit the network."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xdsl.dialects.builtin import i1

from spikeloom.dialects.locations import location_attribute
from spikeloom.dialects.snn import NetworkOp, TrainOp, element_type, known_shape, shape_text
from spikeloom.dialects.training import (
    LossKind,
    OptimizerAttr,
    OptimizerKind,
)
from spikeloom.frontend.arguments import Arguments, Signature
from spikeloom.frontend.data_sources import Data, read_data
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.numbers import (
    BELOW_ONE,
    COUNT,
    NOT_NEGATIVE,
    POSITIVE,
    SEED,
)
from spikeloom.frontend.syntax import Argument, Train

_EXAMPLES = {
    "data": "data = digits()",
    "steps": "steps = 16",
    "batch": "batch = 64",
    "epochs": "epochs = 20",
    "loss": "loss = cross_entropy",
    "optimizer": "optimizer = adam(rate = 0.002)",
}

SETTINGS = Signature(
    "train",
    named=(*_EXAMPLES, "seed", "encode"),
    required=tuple(_EXAMPLES),
    example=_EXAMPLES,
    noun="setting",
    missing_code="E0108",
)

OPTIMIZERS = {
    "sgd": Signature("sgd", ("rate", "momentum"), (), ("rate",), "sgd(rate = 0.1)"),
    "adam": Signature("adam", ("rate",), (), ("rate",), "adam(rate = 0.002)"),
    "adamw": Signature(
        "adamw", ("rate", "decay"), (), ("rate", "decay"), "adamw(rate = 0.002, decay = 0.01)"
    ),
}


@dataclass(frozen=True)
class Training:
    """The training as IR and the data it is about."""

    op: TrainOp
    data: Data


def read_training(train: Train, findings: Findings) -> Training | None:
    """The training that was written; what is wrong with it is noted. None without data or
    optimizer."""
    written = [Argument(each.name, each.value) for each in train.settings]
    settings = Arguments(SETTINGS, written, train.network.location, findings)
    data = read_data(settings, findings)
    optimizer = _read_optimizer(settings, findings)
    losses = [loss.value for loss in LossKind]
    loss = settings.word("loss", losses, LossKind.CROSS_ENTROPY.value)
    numbers = {name: settings.whole(name, COUNT) for name in ("steps", "batch", "epochs")}
    seed = settings.whole("seed", SEED, default=0)
    if data is None or optimizer is None:
        return None
    op = TrainOp(
        train.network.text,
        **numbers,
        seed=seed,
        loss=LossKind(loss),
        optimizer=optimizer,
        data=data.attribute,
    )
    op.location = location_attribute(train.network.location)
    return Training(op, data)


def _read_optimizer(settings: Arguments, findings: Findings) -> OptimizerAttr | None:
    choice = settings.choice("optimizer", OPTIMIZERS)
    if choice is None:
        return None
    call = choice.call
    arguments = Arguments(OPTIMIZERS[choice.name], call.arguments, call.location, findings)
    return OptimizerAttr.get(
        OptimizerKind(choice.name),
        rate=arguments.real("rate", POSITIVE),
        momentum=arguments.real("momentum", BELOW_ONE, default=0.0),
        decay=arguments.real("decay", NOT_NEGATIVE, default=0.0),
    )


def check_fit(training: Training, network: NetworkOp, findings: Findings) -> None:
    """Notes where the data does not fit the inferred network."""
    data = training.data
    source = data.attribute.source.data
    (network_input,) = network.body.block.args
    input_shape, output_shape = known_shape(network_input), known_shape(network.returned.output)
    assert input_shape is not None
    assert output_shape is not None
    _check_input_kind(data, element_type(network_input) == i1, findings)
    _check_amounts(training, input_shape, findings)
    if len(output_shape) != 1:
        findings.add(
            "E0105",
            f"the output of a trained network is a vector with one entry per class, got "
            f"{shape_text(output_shape)}",
            data.location,
            "return for instance lif(linear(flatten(x), classes))",
        )
    elif not data.fits_outputs(output_shape[0]):
        findings.add(
            "E0105",
            f"{source}(...) has {data.classes} classes, but the network has {output_shape[0]} "
            f"output{'' if output_shape[0] == 1 else 's'}",
            data.location,
            f"let the last layer have {data.classes} outputs",
        )


def _check_input_kind(data: Data, takes_spikes: bool, findings: Findings) -> None:
    if data.encode == "direct" and takes_spikes:
        findings.add(
            "E0104",
            "direct encoding yields currents, but the network takes spikes",
            data.location,
            "declare the input as currents[...], or choose encode = rate or latency",
        )
    elif data.encode in ("rate", "latency") and not takes_spikes:
        findings.add(
            "E0104",
            f"{data.encode} encoding yields spikes, but the network takes currents",
            data.location,
            "declare the input as spikes[...], or choose encode = direct",
        )


def _check_amounts(training: Training, input_shape: tuple[int, ...], findings: Findings) -> None:
    """Notes an input or a number of steps that the data does not fit."""
    data = training.data
    source = data.attribute.source.data
    if data.features is not None and math.prod(input_shape) != data.features:
        findings.add(
            "E0105",
            f"{source}(...) has {data.features} features, but the network's input "
            f"{shape_text(input_shape)} has {math.prod(input_shape)}",
            data.location,
            f"declare the input as [{data.features}]",
        )
    if math.prod(input_shape) < data.least_features:
        findings.add(
            "E0105",
            f"{source}(...) shows {data.least_features} symbols, which need as many features, but "
            f"the network's input {shape_text(input_shape)} has {math.prod(input_shape)}",
            data.location,
            f"declare the input as [{data.least_features}] or larger",
        )
    if training.op.steps.value.data < data.least_steps:
        findings.add(
            "E0106",
            f"{source}(...) takes at least {data.least_steps} steps, got "
            f"{training.op.steps.value.data}",
            data.location,
            f"write steps = {3 * data.least_steps}",
        )
