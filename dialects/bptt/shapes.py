"""How the shapes of a training step fit together; the verifiers of `bptt` ask here.

At the level of `bptt.step` a value has two leading dimensions, time and batch; inside a
`bptt.scan`, at one time step, it has one, the batch. They are open, all others are known.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import DYNAMIC_INDEX, SymbolRefAttr, TensorType, f32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.bptt.types import is_tensor, tensor_of
from spikeloom.dialects.remembered_symbols import RememberedSymbols
from spikeloom.dialects.snn.parameter import ParameterOp

SEQUENCE, SAMPLE = 2, 1
"""Leading dimensions of a value over time and batch, and of one without time."""

STEP_PARAMETERS = RememberedSymbols(ParameterOp)
"""All parameters of a `bptt.step` by name, in the order in which they are declared."""


def level_of(op: Operation) -> int:
    """Leading dimensions of what an operation works on: fewer by one inside a scan."""
    parent = op.parent_op()
    return SAMPLE if parent is not None and parent.name == "bptt.scan" else SEQUENCE


def sample_shape(type: Attribute, leading: int, what: str) -> tuple[int, ...]:
    """The shape of one sample at one step.

    Raises:
        VerifyException: `type` has not exactly `leading` open dimensions, all of them in front.
    """
    assert is_tensor(type)
    shape = type.get_shape()
    front, sample = shape[:leading], shape[leading:]
    if len(front) < leading or set(front) - {DYNAMIC_INDEX} or DYNAMIC_INDEX in sample:
        expected = "x".join("?" * leading)
        raise VerifyException(f"{what} has the shape tensor<{expected}x...>, got {type}")
    return sample


def vector_length(type: Attribute, leading: int, what: str) -> int:
    """The length of a sample that is a vector.

    Raises:
        VerifyException: it is none.
    """
    sample = sample_shape(type, leading, what)
    if len(sample) != 1:
        raise VerifyException(f"{what} is a vector per sample, got {type}")
    return sample[0]


def image_shape(type: Attribute, leading: int, what: str) -> tuple[int, int, int]:
    """Channels, height and width of a sample that is an image.

    Raises:
        VerifyException: it is none.
    """
    sample = sample_shape(type, leading, what)
    if len(sample) != 3:
        raise VerifyException(f"{what} is an image [channels, height, width], got {type}")
    return sample[0], sample[1], sample[2]


def parameter(op: Operation, symbol: SymbolRefAttr) -> ParameterOp:
    """The parameter that an operation names.

    Raises:
        VerifyException: the step around the operation has none of that name.
    """
    step = op.parent_op()
    while step is not None and step.name != "bptt.step":
        step = step.parent_op()
    if step is None:
        raise VerifyException(f"{op.name} must stand inside a bptt.step")
    found = STEP_PARAMETERS.of(step).get(symbol.root_reference.data)
    if found is None:
        raise VerifyException(f"{op.name} names {symbol}, which is no parameter of the step")
    return found


def check_parameter(op: Operation, symbol: SymbolRefAttr, shape: Sequence[int]) -> None:
    """A parameter has the shape that its use implies.

    Raises:
        VerifyException: it has another, or there is no such parameter.
    """
    got = parameter(op, symbol).type.get_shape()
    if got != tuple(shape):
        raise VerifyException(f"{symbol} must have the shape {list(shape)}, got {list(got)}")


def check_mask(mask: SSAValue | None, masked: SSAValue) -> None:
    """A mask, if there is one, has the shape of what it masks.

    Raises:
        VerifyException: it has another.
    """
    if mask is not None and tensor_of(mask).get_shape() != tensor_of(masked).get_shape():
        raise VerifyException(f"a mask has the shape of its {masked.type}, got {mask.type}")


def check_sum(type: Attribute, shape: Sequence[int]) -> None:
    """A sum over time and batch has this shape, without either.

    Raises:
        VerifyException: it has another type.
    """
    if is_tensor(type) and type.element_type == f32 and type.get_shape() == tuple(shape):
        return
    raise VerifyException(f"the sum over time and batch is a {TensorType(f32, shape)}, got {type}")


def check_layer(op: Operation, values: Sequence[SSAValue], states: Sequence[SSAValue]) -> None:
    """All values of a layer of neurons have one shape; states exist only inside a scan.

    Raises:
        VerifyException: they have not.
    """
    level = level_of(op)
    samples = {sample_shape(value.type, level, f"an operand of {op.name}") for value in values}
    if len(samples) > 1:
        raise VerifyException(f"all operands and results of {op.name} have one shape")
    if states and level == SEQUENCE:
        raise VerifyException("only a scan carries a state from one step to the next")
