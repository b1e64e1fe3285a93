"""Names: which value every name stands for, with all calls of blocks expanded."""

from __future__ import annotations

from collections.abc import Mapping

from spikeloom.frontend.arguments import described
from spikeloom.frontend.blocks import check_called, count_calls, split_statements
from spikeloom.frontend.calls import Calls
from spikeloom.frontend.expansion import BlockCalls
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.limits import MAX_DEPTH, MAX_OPERATIONS
from spikeloom.frontend.naming import OUTPUT, is_named
from spikeloom.frontend.operations import (
    Added,
    Reference,
    ResolvedNetwork,
    Statement,
    Unresolved,
    Value,
    walk,
)
from spikeloom.frontend.scopes import Scope
from spikeloom.frontend.syntax import (
    Assignment,
    Block,
    Call,
    Expression,
    Name,
    Network,
    Output,
    Repeat,
    Sum,
    Word,
)


def resolve_network(
    network: Network, blocks: Mapping[str, Block], findings: Findings
) -> ResolvedNetwork | None:
    """The network with names and arguments resolved; what is wrong is noted in `findings`.

    None where it returns nothing.
    """
    return _Resolver(network, blocks, findings).network()


class _Resolver:
    """Resolves one network into a flat list of statements."""

    def __init__(self, network: Network, blocks: Mapping[str, Block], findings: Findings):
        self._network = network
        self._blocks = blocks
        self._findings = findings
        self._calls = Calls(self.value, blocks, findings)
        self._block_calls = BlockCalls(self, blocks, findings)
        self.scope = Scope("", findings)
        self.statements: list[Statement] = []
        self._operations = 0
        self._depth = 0

    def network(self) -> ResolvedNetwork | None:
        """The resolved network, None where it returns nothing."""
        assignments, output = split_statements(self._network, self._findings)
        for network_input in self._network.inputs:
            self.scope.define(network_input.name)
        returned = self.body(assignments, output)
        if output is None or returned is None:
            return None
        resolved = ResolvedNetwork(
            self._network,
            tuple(self.statements),
            returned,
            output.location,
            tuple(self._block_calls.expectations),
        )
        if not self._findings.count:
            _check_used(resolved, self._findings)
            check_called(self._blocks.values(), self._block_calls.called, self._findings)
        return resolved

    def body(self, assignments: list[Assignment], output: Output | None) -> Value | None:
        """Resolves the statements of the current scope; the value that it returns."""
        numbered = [(self.scope.define(each.name), each) for each in assignments]
        for number, each in numbered:
            self.scope.begin(each.name.text, number, count_calls(each, self._blocks))
            value = self.value(each.value, False)
            path = self.scope.path_of(each.name.text)
            self.statements.append(Statement(each.name, path, path, value))
        if output is None:
            return None
        calls = count_calls(output, self._blocks)
        self.scope.begin(OUTPUT, self.scope.size + 1, calls)
        returned = self.value(output.value, False)
        if calls or (self.scope.path and not isinstance(returned, Reference)) or is_named(returned):
            self._check_output(assignments)
        return returned

    def _check_output(self, assignments: list[Assignment]) -> None:
        for each in assignments:
            if each.name.text == OUTPUT:
                self._findings.add(
                    "E0103",
                    f"`{OUTPUT}` is the name of what `return` computes",
                    each.name.location,
                    f"rename this statement, or write `return {OUTPUT}`",
                )

    def value(self, expression: Expression, delayed: bool) -> Value:
        """The value of an expression; `delayed` inside `previous`."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._findings.add(
                "E0109",
                f"more than {MAX_DEPTH} operations inside each other, through blocks",
                expression.location,
                "name intermediate values: a = ...",
            )
            self._findings.check()
        value = self._value(expression, delayed)
        self._depth -= 1
        return value

    def _value(self, expression: Expression, delayed: bool) -> Value:
        match expression:
            case Name() if not isinstance(expression, Word):
                return self.scope.reference(expression, delayed)
            case Call() if expression.function.text in self._blocks:
                return self._block_calls.call(expression, None, delayed)
            case Repeat():
                return self._block_calls.repeat(expression, delayed)
            case Call():
                self._count_operations(expression, 1)
                return self._calls.operation(expression, delayed)
            case Sum():
                self._count_operations(expression, len(expression.signs))
                terms = tuple(self.value(term, delayed) for term in expression.terms)
                return Added(terms, expression.signs)
            case _:
                self._findings.add(
                    "E0104",
                    f"expected spikes or currents, got {described(expression)}",
                    expression.location,
                )
                return Unresolved(expression.location)

    def _count_operations(self, expression: Call | Sum, count: int) -> None:
        self._operations += count
        if self._operations > MAX_OPERATIONS:
            self._findings.add(
                "E0109",
                f"a network may have at most {MAX_OPERATIONS} operations",
                expression.location,
            )
            self._findings.check()


def _check_used(network: ResolvedNetwork, findings: Findings) -> None:
    """Notes every value that the output does not depend on."""
    values = {each.path: each.value for each in network.statements}
    used: set[str] = set()
    open_values = [network.returned]
    while open_values:
        for part in walk(open_values.pop()):
            if isinstance(part, Reference) and part.name not in used:
                used.add(part.name)
                if part.name in values:
                    open_values.append(values[part.name])
    paths = [(each.name.text, each.name) for each in network.syntax.inputs]
    paths += [(each.path, each.name) for each in network.statements]
    for path, name in paths:
        if path not in used:
            findings.add(
                "E0110",
                f"`{name.text}` is never used: the output does not depend on it",
                name.location,
                "let the output depend on it, or remove it",
            )
