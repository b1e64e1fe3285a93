"""Calling a kernel by the address of its machine code.

A compiled function that calls another one is compiled together with it. Whoever calls by address
is not: the loop over a program's records then takes a fraction of the time to compile, for it does
not contain every kernel once more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from spikeloom.backend.kernels.compile import extending, numba, types
from spikeloom.backend.kernels.operands import SIGNATURE, Kernel, Task


def address_of(kernel: Kernel) -> int:
    """Where the machine code of a kernel begins; it is compiled, or loaded, if it is not yet."""
    dispatcher = cast(Any, kernel)
    dispatcher.compile(SIGNATURE)
    overload = dispatcher.overloads[SIGNATURE]
    return overload.library.get_pointer_to_function(overload.fndesc.llvm_func_name)


def _define_call() -> Any:
    unpack: Any = numba.core.cgutils.unpack_tuple

    def definition(context: Any, address: Any, task: Any) -> Any:
        def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            convention = target.call_conv
            kind = convention.get_function_type(types.none, SIGNATURE)
            callee = builder.inttoptr(arguments[0], kind.as_pointer())
            parts = unpack(builder, arguments[1], len(SIGNATURE))
            status, _ = convention.call_function(builder, callee, types.none, SIGNATURE, parts)
            with builder.if_then(status.is_error, likely=False):
                convention.return_status_propagate(builder, status)
            return target.get_dummy_value()

        return types.void(types.intp, types.Tuple(SIGNATURE)), generate

    return extending.intrinsic(definition)


call_kernel: Callable[[int, Task], None] = _define_call()
"""Runs the kernel at this address on one thread's part of an instruction."""
