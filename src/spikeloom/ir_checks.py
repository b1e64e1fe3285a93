"""Verifying IR with a diagnostic for the operation that is wrong, not a print of the module."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from spikeloom.diagnostics import DiagnosticError, error
from spikeloom.dialects.locations import location_of


def verify_module(
    module: ModuleOp,
    after: str | None = None,
    *,
    allowed: tuple[type[VerifyException], ...] = (),
) -> None:
    """Verifies the module; `after` is the pass that has just run, `allowed` is no problem here.

    Raises:
        DiagnosticError: E0202 for the first operation that is not well formed.
    """
    problem = _verify(module, nested=True)
    if problem is None:
        return
    passed_over = False
    for op in module.walk():
        if (own := _verify(op, nested=False)) is not None:
            if not isinstance(own, allowed):
                raise _diagnostic(op, own, after)
            passed_over = True
    if passed_over:
        return
    raise _diagnostic(module, problem, after)


def _verify(op: Operation, *, nested: bool) -> Exception | None:
    try:
        op.verify(verify_nested_ops=nested)
    except Exception as problem:
        # Verifiers of xDSL's dialects raise more than VerifyException on malformed operations.
        return problem
    return None


def _diagnostic(op: Operation, problem: Exception, after: str | None) -> DiagnosticError:
    words = str(problem).removeprefix("Operation does not verify: ").strip()
    message = words.partition("\n")[0].rstrip(".") or type(problem).__name__
    by = f" after the pass `{after}`" if after is not None else ""
    return error("E0202", f"`{op.name}` is not well formed{by}: {message}", location_of(op))
