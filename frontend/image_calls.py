"""The operations on images: convolutions, pools and normalization."""

from __future__ import annotations

from spikeloom.diagnostics import SourceLocation
from spikeloom.dialects.pool_kind import PoolKind
from spikeloom.dialects.window import WindowAttr
from spikeloom.frontend.arguments import Arguments, Signature
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.limits import MAX_KERNEL
from spikeloom.frontend.numbers import FRACTION, POSITIVE, UNITS, Interval
from spikeloom.frontend.operations import Convolved, Normalized, Pooled, Value
from spikeloom.frontend.syntax import Name

POOLS = {f"{kind.value}pool2d": kind for kind in PoolKind}
"""The pools by name."""

IMAGE_OPERATIONS = (
    Signature(
        "conv2d",
        ("x", "channels"),
        ("kernel", "stride", "padding", "bias"),
        ("x", "channels"),
        "conv2d(x, 32)",
    ),
    Signature("batchnorm", ("x",), ("momentum", "epsilon"), ("x",), "batchnorm(conv2d(x, 32))"),
    *(Signature(name, ("x", "k"), ("stride",), ("x", "k"), f"{name}(x, 2)") for name in POOLS),
)

IMAGE_NAMES = frozenset(signature.callee for signature in IMAGE_OPERATIONS)

DEFAULT_KERNEL = 3
DEFAULT_MOMENTUM = 0.1
DEFAULT_EPSILON = 1e-5
"""Momentum and epsilon are the ones that PyTorch has."""

_SIDE = Interval(1, MAX_KERNEL)


def image_operation(
    name: str, value: Value, arguments: Arguments, location: SourceLocation, findings: Findings
) -> Value:
    """The operation of `IMAGE_OPERATIONS` with that name; what is wrong is noted."""
    if name == "conv2d":
        return _convolved(value, arguments, location, findings)
    if name == "batchnorm":
        momentum = arguments.real("momentum", FRACTION, DEFAULT_MOMENTUM)
        epsilon = arguments.real("epsilon", POSITIVE, DEFAULT_EPSILON)
        return Normalized(value, momentum, epsilon, location)
    kernel = arguments.whole("k", _SIDE)
    window = WindowAttr.get(kernel, arguments.whole("stride", _SIDE, kernel))
    return Pooled(value, POOLS[name], window, location)


def _convolved(
    value: Value, arguments: Arguments, location: SourceLocation, findings: Findings
) -> Convolved:
    channels = arguments.whole("channels", UNITS)
    kernel = arguments.whole("kernel", _SIDE, DEFAULT_KERNEL)
    stride = arguments.whole("stride", _SIDE)
    padding = _padding(kernel, arguments, findings)
    is_uneven = padding is None and kernel % 2 == 0
    before = (kernel - 1) // 2 if padding is None else padding
    window = WindowAttr.get(kernel, stride, before)
    has_bias = arguments.truth("bias", True)
    return Convolved(value, channels, window, is_uneven, has_bias, location)


def _padding(kernel: int, arguments: Arguments, findings: Findings) -> int | None:
    """The zeros on every side of the image, None for `same`."""
    match arguments.value("padding"):
        case None | Name(text="same"):
            return None
        case Name() as other:
            findings.add(
                "E0102",
                f"padding is `same` or a number of pixels, got `{other.text}`",
                other.location,
                "without any padding it is padding = 0",
            )
            return None
        case _:
            return arguments.whole("padding", Interval(0, kernel - 1), 0)
