"""Calls of blocks: every one becomes the block's statements, under names of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from spikeloom.diagnostics import SourceLocation, did_you_mean
from spikeloom.frontend.arguments import Arguments, described
from spikeloom.frontend.blocks import signature_of, split_statements
from spikeloom.frontend.calls import OPERATIONS
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.instantiation import Budget, Instantiation
from spikeloom.frontend.limits import MAX_STATEMENTS
from spikeloom.frontend.naming import OUTPUT
from spikeloom.frontend.numbers import Interval, check_whole
from spikeloom.frontend.operations import (
    Expectation,
    Reference,
    Statement,
    Unresolved,
    Value,
)
from spikeloom.frontend.scopes import Scope
from spikeloom.frontend.syntax import (
    Assignment,
    Block,
    Call,
    Expression,
    Name,
    Number,
    Output,
    Parameter,
    Repeat,
    Sum,
    Word,
)

_TIMES = Interval(1, MAX_STATEMENTS)

_BLOCK_HELP = "define one: block name(x: spikes, ...) { ... }"


class Resolver(Protocol):
    """What expands a block's statements: it resolves them one after the other."""

    scope: Scope
    statements: list[Statement]

    def value(self, expression: Expression, delayed: bool) -> Value:
        """The value of an expression in the current scope."""
        ...

    def body(self, assignments: list[Assignment], output: Output | None) -> Value | None:
        """Adds the statements of the current scope; the value that it returns."""
        ...


class BlockCalls:
    """Expands calls into statements of `resolver`.

    `expectations` are the kinds of value that the calls ask for, `called` the blocks met.
    """

    def __init__(self, resolver: Resolver, blocks: Mapping[str, Block], findings: Findings):
        self._resolver = resolver
        self._blocks = blocks
        self._findings = findings
        self._budget = Budget(findings)
        self._active: list[str] = []
        self.expectations: list[Expectation] = []
        self.called: set[str] = set()

    def repeat(self, repeat: Repeat, delayed: bool) -> Value:
        """A block applied several times, each time to what it returned before."""
        name = repeat.call.function
        if name.text not in self._blocks:
            self._findings.add(
                "E0102",
                f"only blocks can be repeated, and there is no block `{name.text}`",
                name.location,
                did_you_mean(name.text, self._blocks) if self._blocks else _BLOCK_HELP,
            )
            return Unresolved(repeat.location)
        parameters = self._blocks[name.text].parameters
        if not parameters or parameters[0].kind is None:
            self._findings.add(
                "E0104",
                f"`{name.text}` cannot be repeated: its first parameter is no value",
                name.location,
                f"write block {name.text}(x: spikes, ...)",
            )
            return Unresolved(repeat.location)
        return self.call(repeat.call, self._times(repeat.count), delayed)

    def _times(self, count: Expression) -> int:
        if not isinstance(count, Number):
            self._findings.add(
                "E0104",
                f"the number of repetitions must be an integer, got {described(count)}",
                count.location,
            )
            return 1
        before = self._findings.count
        check_whole("the number of repetitions", count, _TIMES, self._findings)
        return int(count.value) if self._findings.count == before else 1

    def call(self, call: Call, times: int | None, delayed: bool) -> Value:
        """The value that a block returns; `times` is None where it is not repeated."""
        name = call.function.text
        self.called.add(name)
        if not self._may_call(call, delayed):
            return Unresolved(call.location)
        block = self._blocks[name]
        path = self._resolver.scope.next_call()
        before = self._findings.count
        arguments = Arguments(signature_of(block), call.arguments, call.location, self._findings)
        constants = self._constants(block, arguments)
        values = self._values(block, arguments, path, is_shared=times is not None)
        if self._findings.count > before:
            return Unresolved(call.location)
        if times is None:
            return self._expand(block, values, constants, path, call.location)
        first = block.parameters[0]
        value = values[first.name.text]
        for number in range(1, times + 1):
            self._expect(value, first, block, call.location)
            values = {**values, first.name.text: value}
            value = self._expand(block, values, constants, f"{path}.{number}", call.location)
        return value

    def _may_call(self, call: Call, delayed: bool) -> bool:
        name = call.function
        if delayed:
            self._findings.add(
                "E0104",
                "a block cannot be called inside previous(...)",
                name.location,
                f"name its value first: y = {name.text}(...), then previous(y)",
            )
        elif name.text in self._active:
            chain = [*self._active[self._active.index(name.text) :], name.text]
            self._findings.add(
                "E0102",
                f"the block `{name.text}` calls itself: {' -> '.join(chain)}",
                name.location,
                f"repeat 3 {name.text}(...) applies a block several times",
            )
        else:
            return True
        return False

    def _constants(self, block: Block, arguments: Arguments) -> dict[str, Expression]:
        """What stands for the parameters that are no values; a default may use those before."""
        constants: dict[str, Expression] = {}
        for parameter in block.parameters:
            if parameter.kind is not None:
                continue
            name = parameter.name.text
            written = arguments.value(name)
            if written is None and parameter.default is not None:
                defaults = Instantiation(constants, None, self._budget)
                written = defaults.expression(parameter.default)
            if written is None:
                continue
            if self._is_value(written):
                self._findings.add(
                    "E0104",
                    f"`{name}` of `{block.name.text}` is a number or a word, "
                    f"got {described(written)}",
                    written.location,
                    f"a value is declared with its kind: {name}: spikes",
                )
            # In the block a word could mean a value of its own.
            if isinstance(written, Name):
                written = Word(written.text, written.location)
            constants[name] = written
        return constants

    def _is_value(self, written: Expression) -> bool:
        """Whether an argument computes spikes or currents."""
        if isinstance(written, Call):
            return written.function.text in OPERATIONS or written.function.text in self._blocks
        return isinstance(written, Sum | Repeat)

    def _values(
        self, block: Block, arguments: Arguments, path: str, *, is_shared: bool
    ) -> dict[str, Value]:
        """The block's operands, without those that are missing.

        Where calls share them, they are computed once, in a statement before all calls.
        """
        values: dict[str, Value] = {}
        for parameter in block.parameters:
            name = parameter.name.text
            written = arguments.value(name)
            if parameter.kind is None or written is None:
                continue
            value = self._resolver.value(written, False)
            if not is_shared or parameter is not block.parameters[0]:
                self._expect(value, parameter, block, written.location)
            if is_shared and not isinstance(value, Reference):
                value = self._bind(parameter.name, f"{path}.{name}", value, written.location)
            values[name] = value
        return values

    def _expect(
        self, value: Value, parameter: Parameter, block: Block, location: SourceLocation
    ) -> None:
        assert parameter.kind is not None
        self.expectations.append(
            Expectation(value, parameter.kind, block.name.text, parameter.name.text, location)
        )

    def _bind(self, name: Name, path: str, value: Value, location: SourceLocation) -> Value:
        statement = Statement(name, path, self._resolver.scope.owner, value)
        self._resolver.statements.append(statement)
        return Reference(path, location)

    def _expand(
        self,
        block: Block,
        values: Mapping[str, Value],
        constants: Mapping[str, Expression],
        path: str,
        location: SourceLocation,
    ) -> Value:
        """The block's statements once, under `path`."""
        instantiation = Instantiation(constants, location, self._budget)
        self._budget.spend(location)
        inner = Scope(path, self._findings)
        for parameter in block.parameters:
            name = instantiation.name(parameter.name)
            if parameter.kind is not None:
                inner.define(name)
                self._bind(name, inner.path_of(name.text), values[name.text], location)
        written, output = split_statements(block, self._findings)
        assignments = [instantiation.assignment(each) for each in written]
        outer, self._resolver.scope = self._resolver.scope, inner
        self._active.append(block.name.text)
        returned = self._resolver.body(
            assignments, None if output is None else instantiation.output(output)
        )
        self._active.pop()
        if returned is None:
            result: Value = Unresolved(location)
        elif isinstance(returned, Reference):
            result = replace(returned, location=location)
        else:
            name = Name(OUTPUT, returned.location)
            result = self._bind(name, inner.path_of(OUTPUT), returned, location)
        self._resolver.scope = outer
        return result
