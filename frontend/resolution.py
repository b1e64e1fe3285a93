"""Names: which value every name stands for, and the statements around them."""

from __future__ import annotations

import sys

from spikeloom.diagnostics import did_you_mean, nearest
from spikeloom.frontend.arguments import described
from spikeloom.frontend.calls import Calls
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.limits import MAX_OPERATIONS, MAX_STATEMENTS
from spikeloom.frontend.operations import (
    Added,
    Reference,
    ResolvedNetwork,
    Statement,
    Unresolved,
    Value,
    walk,
)
from spikeloom.frontend.syntax import (
    Assignment,
    Call,
    Expression,
    Name,
    Network,
    Output,
    Sum,
)


def resolve_network(network: Network, findings: Findings) -> ResolvedNetwork | None:
    """The network with names and arguments resolved; what is wrong is noted in `findings`.

    None where it returns nothing.
    """
    return _Resolver(network, findings).network()


class _Resolver:
    """Resolves one network. Names are counted from 0 for the input in the order of the text."""

    def __init__(self, network: Network, findings: Findings):
        self._network = network
        self._findings = findings
        self._calls = Calls(self._value, findings)
        self._defined: dict[str, int] = {}
        self._current = 0
        self._operations = 0

    def network(self) -> ResolvedNetwork | None:
        assignments, output = self._statements()
        for network_input in self._network.inputs:
            self._define(network_input.name)
        numbered = [(self._define(each.name), each) for each in assignments]
        statements: list[Statement] = []
        for self._current, each in numbered:
            statements.append(Statement(each.name, self._value(each.value, False)))
        if output is None:
            return None
        self._current = len(self._defined) + 1
        resolved = ResolvedNetwork(
            self._network, tuple(statements), self._value(output.value, False), output.location
        )
        self._check_used(resolved)
        return resolved

    def _statements(self) -> tuple[list[Assignment], Output | None]:
        """The assignments and the `return` at the end."""
        statements = self._network.statements
        outputs = [each for each in statements if isinstance(each, Output)]
        if not outputs:
            self._findings.add(
                "E0108",
                f"the network `{self._network.name.text}` returns nothing",
                self._network.name.location,
                "end it with `return` and its output",
            )
        elif (end := statements.index(outputs[0])) != len(statements) - 1:
            after = statements[end + 1]
            self._findings.add(
                "E0101",
                "no statement may follow `return`",
                after.location if isinstance(after, Output) else after.name.location,
                "move it before the `return`, or remove it",
            )
        assignments = [each for each in statements if isinstance(each, Assignment)]
        if len(assignments) > MAX_STATEMENTS:
            surplus = assignments[MAX_STATEMENTS]
            self._findings.add(
                "E0109",
                f"a network may have at most {MAX_STATEMENTS} statements",
                surplus.name.location,
            )
        return assignments, outputs[0] if outputs else None

    def _define(self, name: Name) -> int:
        """The number of a name, behind all others for one that is taken."""
        number = len(self._defined)
        if name.text in self._defined:
            self._findings.add(
                "E0103",
                f"the name `{name.text}` is defined twice",
                name.location,
                "a name stands for one value: choose another one",
            )
            return sys.maxsize
        self._defined[name.text] = number
        return number

    def _value(self, expression: Expression, delayed: bool) -> Value:
        match expression:
            case Name():
                return self._reference(expression, delayed)
            case Call():
                self._count_operation(expression)
                return self._calls.operation(expression, delayed)
            case Sum():
                self._count_operation(expression)
                terms = tuple(self._value(term, delayed) for term in expression.terms)
                return Added(terms, expression.signs)
            case _:
                self._findings.add(
                    "E0104",
                    f"expected spikes or currents, got {described(expression)}",
                    expression.location,
                )
                return Unresolved(expression.location)

    def _reference(self, name: Name, delayed: bool) -> Value:
        number = self._defined.get(name.text)
        if number is None:
            self._findings.add(
                "E0102",
                f"`{name.text}` is not defined",
                name.location,
                self._similar(name),
            )
        elif number >= self._current and not delayed:
            itself = number == self._current
            self._findings.add(
                "E0102",
                f"`{name.text}` is defined "
                + ("by this very statement" if itself else "only further down"),
                name.location,
                f"previous({name.text}) is the value it had one time step ago",
            )
        else:
            return Reference(name.text, name.location)
        return Unresolved(name.location)

    def _similar(self, name: Name) -> str | None:
        # A list of hundreds of names helps nobody.
        if 1 <= len(self._defined) <= 10 or nearest(name.text, self._defined):
            return did_you_mean(name.text, self._defined)
        return None

    def _count_operation(self, expression: Call | Sum) -> None:
        self._operations += 1 if isinstance(expression, Call) else len(expression.signs)
        if self._operations > MAX_OPERATIONS:
            self._findings.add(
                "E0109",
                f"a network may have at most {MAX_OPERATIONS} operations",
                expression.location,
            )
            self._findings.check()

    def _check_used(self, network: ResolvedNetwork) -> None:
        """Notes every value that the output does not depend on."""
        if self._findings.count:
            return
        values = {each.name.text: each.value for each in network.statements}
        used: set[str] = set()
        open_values = [network.returned]
        while open_values:
            for part in walk(open_values.pop()):
                if isinstance(part, Reference) and part.name not in used:
                    used.add(part.name)
                    if part.name in values:
                        open_values.append(values[part.name])
        names = [each.name for each in (*self._network.inputs, *network.statements)]
        for name in names:
            if name.text not in used:
                self._findings.add(
                    "E0110",
                    f"`{name.text}` is never used: the output does not depend on it",
                    name.location,
                    "let the output depend on it, or remove it",
                )
