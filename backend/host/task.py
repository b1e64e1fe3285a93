"""From the `snn` dialect to the host's task: what the program says about data and training."""

from __future__ import annotations

from pydantic import TypeAdapter, ValidationError
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, ModuleOp, StringAttr, f32
from xdsl.ir import Attribute, Operation, SSAValue

from spikeloom.backend.host.plan import (
    Data,
    Element,
    LayerPlan,
    OptimizerPlan,
    ParameterPlan,
    Task,
    TrainingPlan,
)
from spikeloom.diagnostics import error
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn import (
    InterfaceOp,
    LifOp,
    LiOp,
    NetworkOp,
    ParameterOp,
    TrainOp,
    element_type,
    known_shape,
)

_DATA: TypeAdapter[Data] = TypeAdapter(Data)


def describe(module: ModuleOp, program: str) -> Task:
    """The task of a module in the `snn` dialect; `program` is its path as the user wrote it.

    Raises:
        DiagnosticError: there is not exactly one network, a shape is not known yet, or the
            data source's arguments do not fit.
    """
    networks = [op for op in module.ops if isinstance(op, NetworkOp)]
    if len(networks) != 1:
        message = f"expected exactly one network, found {len(networks)}"
        raise error("E0204", message, location_of(module))
    network = networks[0]
    image = network.body.block.args[0]
    output = network.returned.operands[0]
    return Task(
        program=program,
        network=network.sym_name.data,
        input_shape=_shape(image, network),
        input_element=_element(image),
        output_shape=_shape(output, network),
        output_element=_element(output),
        parameters=tuple(_parameter(op) for op in network.parameters().values()),
        layers=tuple(_layer(op) for op in network.body.block.ops if isinstance(op, LifOp | LiOp)),
        training=next((training_of(op) for op in module.ops if isinstance(op, TrainOp)), None),
    )


def describe_interface(interface: InterfaceOp, training: TrainingPlan | None, program: str) -> Task:
    """The task of a network of which only the interface is left."""
    return Task(
        program=program,
        network=interface.network.root_reference.data,
        input_shape=interface.input.get_shape(),
        input_element=_element_of(interface.input.element_type),
        output_shape=interface.output.get_shape(),
        output_element=_element_of(interface.output.element_type),
        parameters=tuple(_parameter(op) for op in interface.parameters),
        layers=tuple(
            LayerPlan(
                name=op.layer.data,
                kind="lif" if _element_of(op.type.element_type) == "bit" else "li",
                shape=op.type.get_shape(),
                location=_place(op),
            )
            for op in interface.layers
        ),
        training=training,
    )


def _place(op: Operation) -> str:
    location = location_of(op)
    return "" if location is None else str(location)


def _shape(value: SSAValue, op: Operation) -> tuple[int, ...]:
    if (shape := known_shape(value)) is None:
        message = "a shape is not known"
        raise error("E0204", message, location_of(op), "run the pass infer-shapes first")
    return shape


def _element(value: SSAValue) -> Element:
    return _element_of(element_type(value))


def _element_of(type: Attribute) -> Element:
    return "f32" if type == f32 else "bit"


def _parameter(op: ParameterOp) -> ParameterPlan:
    shape = op.type.get_shape()
    is_open = op.fan_in is None and op.constant is None
    if is_open or any(extent < 1 for extent in shape):
        message = f"the shape of @{op.sym_name.data} is not known"
        raise error("E0204", message, location_of(op), "run the pass infer-shapes first")
    return ParameterPlan(
        name=op.sym_name.data,
        shape=shape,
        fan_in=None if op.fan_in is None else op.fan_in.value.data,
        constant=None if op.constant is None else op.constant.value.data,
        running=op.is_running,
        location=_place(op),
    )


def _layer(op: LifOp | LiOp) -> LayerPlan:
    return LayerPlan(
        name=op.layer.data,
        kind="lif" if isinstance(op, LifOp) else "li",
        shape=_shape(op.results[0], op),
        location=_place(op),
    )


def training_of(op: TrainOp) -> TrainingPlan:
    """What `snn.train` says.

    Raises:
        DiagnosticError: E0107, the data source's arguments do not fit.
    """
    return TrainingPlan(
        steps=op.steps.value.data,
        batch=op.batch.value.data,
        epochs=op.epochs.value.data,
        seed=op.seed.value.data,
        loss=op.loss.data.value,
        optimizer=OptimizerPlan(
            name=op.optimizer.kind.data.value,
            rate=op.optimizer.rate.value.data,
            momentum=op.optimizer.momentum.value.data,
            decay=op.optimizer.decay.value.data,
        ),
        data=_data(op),
    )


def _data(op: TrainOp) -> Data:
    source = op.data.source.data
    arguments = {name: _value(value) for name, value in op.data.arguments.data.items()}
    try:
        return _DATA.validate_python({"source": source, **arguments})
    except ValidationError as problems:
        first = problems.errors(include_url=False, include_input=False)[0]
        argument = ".".join(str(part) for part in first["loc"][1:]) or source
        message = f"data = {source}(...): `{argument}`: {first['msg']}"
        raise error("E0107", message, location_of(op)) from None


def _value(attribute: Attribute) -> str | int | float:
    """The Python value of an argument; `snn.data` admits no other attributes."""
    if isinstance(attribute, StringAttr):
        return attribute.data
    assert isinstance(attribute, FloatAttr | IntegerAttr)
    return attribute.value.data
