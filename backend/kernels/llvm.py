"""The few LLVM types and declarations that the kernels' intrinsics are made of."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

# llvmlite ships no types.
ir: Any = import_module("llvmlite.ir")

BIT: Any = ir.IntType(1)
WORD: Any = ir.IntType(32)
DOUBLE_WORD: Any = ir.IntType(64)
SINGLE: Any = ir.FloatType()
DOUBLE: Any = ir.DoubleType()
LANES = 16
"""Lanes of a vector: 64 bytes. LLVM splits it where the processor's registers are shorter."""
VECTOR: Any = ir.VectorType(SINGLE, LANES)
FALSE: Any = ir.Constant(BIT, 0)


def declare(builder: Any, name: str, result: Any, parameters: Sequence[Any]) -> Any:
    """The external or LLVM function `name`, declared once per module."""
    known = builder.module.globals.get(name)
    return known or ir.Function(builder.module, ir.FunctionType(result, list(parameters)), name)


def constant(value: int) -> Any:
    """A 64-bit integer constant."""
    return ir.Constant(DOUBLE_WORD, value)
