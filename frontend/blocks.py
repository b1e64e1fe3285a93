"""Blocks: pieces of a network that are written once and called with values and numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from spikeloom.diagnostics import did_you_mean
from spikeloom.frontend.arguments import Signature
from spikeloom.frontend.calls import OPERATIONS
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.instantiation import parts
from spikeloom.frontend.kinds import KINDS
from spikeloom.frontend.limits import MAX_STATEMENTS
from spikeloom.frontend.syntax import Assignment, Block, Call, Name, Network, Output


def collect_blocks(blocks: Iterable[Block], findings: Findings) -> dict[str, Block]:
    """The blocks by name; what is wrong with one by itself is noted."""
    collected: dict[str, Block] = {}
    for block in blocks:
        name = block.name
        if name.text in OPERATIONS:
            findings.add(
                "E0103",
                f"`{name.text}` is an operation of the language",
                name.location,
                "choose another name for the block",
            )
        elif name.text in collected:
            findings.add(
                "E0103",
                f"the block `{name.text}` is defined twice",
                name.location,
                "choose another name, or remove one of them",
            )
        collected.setdefault(name.text, block)
        _check_parameters(block, findings)
        split_statements(block, findings)
    return collected


def _check_parameters(block: Block, findings: Findings) -> None:
    written = [statement.value for statement in block.statements]
    written += [each.default for each in block.parameters if each.default is not None]
    used = {part.text for value in written for part in parts(value) if isinstance(part, Name)}
    names: set[str] = set()
    for parameter in block.parameters:
        if parameter.name.text in names:
            findings.add(
                "E0103",
                f"the parameter `{parameter.name.text}` is defined twice",
                parameter.name.location,
                "choose another name",
            )
        names.add(parameter.name.text)
        if (kind := parameter.kind) is not None and kind.text not in KINDS:
            hint = did_you_mean(kind.text, KINDS)
            findings.add("E0102", f"there is no type `{kind.text}`", kind.location, hint)
        if parameter.name.text not in used:
            findings.add(
                "E0110",
                f"`{parameter.name.text}` is never used in the block `{block.name.text}`",
                parameter.name.location,
                "use it, or remove it",
            )
    optional = False
    for parameter in block.parameters:
        if parameter.default is None and optional:
            findings.add(
                "E0108",
                f"`{parameter.name.text}` has no default, but a parameter before it has one",
                parameter.name.location,
                "move it to the front",
            )
        optional |= parameter.default is not None


def signature_of(block: Block) -> Signature:
    """What a call of the block takes."""
    names = tuple(parameter.name.text for parameter in block.parameters)
    required = tuple(each.name.text for each in block.parameters if each.default is None)
    return Signature(
        block.name.text,
        names,
        required=required,
        example=f"{block.name.text}({', '.join(required)})",
    )


def split_statements(
    owner: Network | Block, findings: Findings
) -> tuple[list[Assignment], Output | None]:
    """The assignments and the `return` at the end of a network or block."""
    what = "network" if isinstance(owner, Network) else "block"
    statements = owner.statements
    outputs = [each for each in statements if isinstance(each, Output)]
    if not outputs:
        findings.add(
            "E0108",
            f"the {what} `{owner.name.text}` returns nothing",
            owner.name.location,
            "end it with `return` and its output",
        )
    elif (end := statements.index(outputs[0])) != len(statements) - 1:
        after = statements[end + 1]
        findings.add(
            "E0101",
            "no statement may follow `return`",
            after.location if isinstance(after, Output) else after.name.location,
            "move it before the `return`, or remove it",
        )
    assignments = [each for each in statements if isinstance(each, Assignment)]
    if len(assignments) > MAX_STATEMENTS:
        findings.add(
            "E0109",
            f"a {what} may have at most {MAX_STATEMENTS} statements",
            assignments[MAX_STATEMENTS].name.location,
        )
    return assignments, outputs[0] if outputs else None


def check_called(blocks: Iterable[Block], called: Collection[str], findings: Findings) -> None:
    """Notes every block that nothing calls: nothing in it has been checked."""
    for block in blocks:
        if block.name.text not in called:
            findings.add(
                "E0110",
                f"the block `{block.name.text}` is never called",
                block.name.location,
                "call it, or remove it",
            )


def count_calls(expression_owner: Assignment | Output, blocks: Collection[str]) -> int:
    """How many calls of blocks a statement holds."""
    return sum(
        isinstance(part, Call) and part.function.text in blocks
        for part in parts(expression_owner.value)
    )
