"""`expand-bptt`: a network and how it is trained become one explicit training step.

Forward pass, loss, backward pass, weight gradients and updates are written out, one operation
each (design.md section 3). Without training, or for a network without `snn.train`, only the
forward pass and what is measured of it remain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp, TensorType, i32
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass

from spikeloom.diagnostics import error
from spikeloom.dialects import bptt, snn
from spikeloom.dialects.bptt.density import INPUT_DENSITY, DensityAttr
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.training import LossKind
from spikeloom.passes.bptt.backward import expand_backward
from spikeloom.passes.bptt.expansion import Emitter, Expansion, sequence_type_of
from spikeloom.passes.bptt.forward import expand_forward
from spikeloom.passes.bptt.network_graph import analyze_network


@dataclass(frozen=True)
class ExpandBpttPass(ModulePass):
    """Replaces `snn.network` by `bptt.step`; `snn.train` stays beside it, for the host.

    Options: `training=false` leaves out backward pass and update; `steps` and `batch` override
    what the program says (0: as the program says).

    Raises:
        DiagnosticError: shapes are open, or steps and batch are said nowhere (E0204).
    """

    name = "expand-bptt"

    training: bool = True
    steps: int = 0
    batch: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        networks = [network for network in op.ops if isinstance(network, snn.NetworkOp)]
        trains = [train for train in op.ops if isinstance(train, snn.TrainOp)]
        for network in networks:
            train = next(
                (t for t in trains if t.network.root_reference.data == network.sym_name.data), None
            )
            step = self._expand(network, train)
            step.location = network.location
            network_block = network.parent
            assert network_block is not None
            network_block.insert_op_before(step, network)
            network.detach()
            network.erase(safe_erase=False)

    def _expand(self, network: snn.NetworkOp, train: snn.TrainOp | None) -> bptt.StepOp:
        _require_known_operations(network)
        _require_shapes(network)
        steps = self.steps or (0 if train is None else train.steps.value.data)
        batch = self.batch or (0 if train is None else train.batch.value.data)
        if steps < 1 or batch < 1:
            raise error(
                "E0204",
                f"expand-bptt does not know how many steps and samples @{network.sym_name.data} "
                "runs for",
                location_of(network),
                "add a `train` block, or write expand-bptt{steps=16 batch=64}",
            )
        if max(steps, batch) > snn.MAX_COUNT:
            raise error(
                "E0204", f"steps and batch are at most {snn.MAX_COUNT}", location_of(network)
            )
        (image,) = network.body.block.args
        block = Block(arg_types=[sequence_type_of(image)])
        block.args[0].name_hint = image.name_hint
        emitter = Emitter(block)
        for parameter in network.parameters().values():
            emitter.emit(parameter.clone(), parameter)
        training = self.training and train is not None
        if training:
            _require_variances(network, steps * batch)
        expansion = Expansion(emitter, analyze_network(network), training)
        expansion.sequences[image] = block.args[0]
        expand_forward(expansion)
        for layer, saved in expansion.saved.items():
            emitter.emit(bptt.ReportOp(saved.spikes, "spikes", layer.layer.data), layer)
        _emit_objective(expansion, network, train)
        step = bptt.StepOp(network.sym_name.data, steps, batch, Region(block))
        if train is not None and (share := train.data.expected_share) is not None:
            step.attributes[INPUT_DENSITY] = DensityAttr.get(expected=share)
        return step


def _require_known_operations(network: snn.NetworkOp) -> None:
    for op in network.body.block.ops:
        if not isinstance(op, snn.NetworkValueOperation | snn.ParameterOp | snn.ReturnOp):
            raise error(
                "E0204", f"expand-bptt has no rule for {op.name} in a network", location_of(op)
            )


def _require_shapes(network: snn.NetworkOp) -> None:
    for op in network.body.block.ops:
        if any(snn.known_shape(value) is None for value in op.results):
            raise error(
                "E0204",
                f"expand-bptt needs the shape of every value, but that of {op.name} is open",
                location_of(op),
                "run infer-shapes first",
            )


def _require_variances(network: snn.NetworkOp, samples: int) -> None:
    """A batch has more than one number per channel, as an unbiased variance needs."""
    for op in network.body.block.ops:
        if isinstance(op, snn.BatchnormOp):
            shape = snn.known_shape(op.current)
            assert shape is not None
            if samples * math.prod(shape[1:]) == 1:
                raise error(
                    "E0204",
                    "one step of one sample has a single number per channel here, which has no "
                    "variance to normalize with",
                    location_of(op),
                    "train with more steps or a larger batch",
                )


def _emit_objective(
    expansion: Expansion, network: snn.NetworkOp, train: snn.TrainOp | None
) -> None:
    """Readout, and for a trained network loss, backward pass and updates."""
    emitter, returned = expansion.emitter, network.returned
    output = expansion.sequence(returned.output)
    shape = snn.known_shape(returned.output)
    assert shape is not None
    kind = bptt.ReadoutKind.SUM
    if train is not None and train.loss.data is LossKind.MSE:
        kind = bptt.ReadoutKind.MEAN
    readout_type = bptt.real_like(bptt.sample_type(snn.element_type(returned.output), shape))
    readout = emitter.emit(bptt.ReadoutOp(output, kind, readout_type), returned).readout
    emitter.emit(bptt.ReportOp(readout, "readout"), returned)
    if train is None:
        return
    if len(shape) != 1:
        raise error(
            "E0204",
            f"the loss needs a vector of classes, but the output has {snn.shape_text(shape)}",
            location_of(returned),
            "return a vector, for instance of lif(linear(flatten(x), classes))",
        )
    label = emitter.block.insert_arg(TensorType(i32, [DYNAMIC_INDEX]), 1)
    label.name_hint = "label"
    loss = emitter.emit(bptt.LossOp(readout, label, train.loss.data, expansion.training), train)
    loss.loss.name_hint, loss.correct.name_hint = "loss", "correct"
    emitter.emit(bptt.ReportOp(loss.loss, "loss"), train)
    emitter.emit(bptt.ReportOp(loss.correct, "correct"), train)
    if loss.gradient is None:
        return
    spread = bptt.ReadoutGradientOp(loss.gradient, kind, bptt.real_like(bptt.tensor_of(output)))
    output_gradient = emitter.emit(spread, train).output_gradient
    expand_backward(expansion, returned.output, output_gradient)
    _emit_updates(expansion, network, train)


def _emit_updates(expansion: Expansion, network: snn.NetworkOp, train: snn.TrainOp) -> None:
    """What a batch changes: trained parameters and running statistics, as they are declared."""
    emitter, gradients = expansion.emitter, expansion.gradients
    statistics: dict[str, bptt.UpdateRunningOp] = {}
    for op, moments in expansion.moments.items():
        mean, variance = op.mean_name, op.variance_name
        statistics[mean] = bptt.UpdateRunningOp(mean, moments.mean, op.momentum, unbiased=False)
        statistics[variance] = bptt.UpdateRunningOp(
            variance, moments.variance, op.momentum, unbiased=True
        )
    for name, parameter in network.parameters().items():
        if name in gradients:
            emitter.emit(bptt.ReportOp(gradients[name], "gradient", name), parameter)
            emitter.emit(bptt.OptimizeOp(name, gradients[name], train.optimizer), parameter)
        elif name in statistics:
            emitter.emit(statistics[name], parameter)
