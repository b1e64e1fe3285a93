"""`.snn` text in, verified `snn` IR out: the frontend's only entrance."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from spikeloom.diagnostics import SourceLocation, did_you_mean, error
from spikeloom.dialects.locations import location_attribute
from spikeloom.frontend.blocks import collect_blocks
from spikeloom.frontend.emission import emit_network
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.kinds import check_kinds
from spikeloom.frontend.limits import decode_program
from spikeloom.frontend.naming import name_operations
from spikeloom.frontend.reader import read_program
from spikeloom.frontend.resolution import resolve_network
from spikeloom.frontend.shapes import check_types, infer_shapes
from spikeloom.frontend.syntax import Program
from spikeloom.frontend.training import check_fit, read_training


def parse_program_bytes(data: bytes, filename: str) -> ModuleOp:
    """`parse_program` for the bytes of a file, which may be anything.

    Raises:
        DiagnosticError: as `parse_program`; or the bytes are no UTF-8 text.
    """
    return parse_program(decode_program(data, filename), filename)


def parse_program(text: str, filename: str) -> ModuleOp:
    """The program as a verified module: one `snn.network`, then its `snn.train` if it has one.

    `filename` appears in locations and messages only; no file is opened.

    Raises:
        DiagnosticError: everything that a user can get wrong, with its place.
    """
    program = read_program(text, filename)
    _check_parts(program, filename)
    syntax = program.networks[0]
    findings = Findings()
    check_types(syntax, findings)
    blocks = collect_blocks(program.blocks, findings)
    resolved = resolve_network(syntax, blocks, findings)
    training = read_training(program.trains[0], findings) if program.trains else None
    findings.check()
    assert resolved is not None
    kinds = check_kinds(resolved, findings)
    findings.check()
    names = name_operations(resolved)
    network = emit_network(resolved, kinds, names)
    infer_shapes(network, resolved)
    operations: list[Operation] = [network]
    if training is not None:
        check_fit(training, network, findings)
        findings.check()
        operations.append(training.op)
    return _verified_module(operations, filename)


def _check_parts(program: Program, filename: str) -> None:
    """One network, at most one training, and that of this network."""
    findings = Findings()
    if not program.networks:
        findings.add(
            "E0108",
            "the program holds no network",
            SourceLocation(filename, 1, 1),
            "write network name(input: spikes[64]) -> spikes[10] { ... }",
        )
    for surplus in program.networks[1:]:
        findings.add(
            "E0109",
            "a program holds one network, and this is a further one",
            surplus.name.location,
            "put it into a file of its own",
        )
    for surplus in program.trains[1:]:
        findings.add(
            "E0103",
            "a program is trained once, and this is a further training",
            surplus.network.location,
            "remove one of them",
        )
    names = [network.name.text for network in program.networks]
    for train in program.trains:
        if names and train.network.text not in names:
            findings.add(
                "E0102",
                f"there is no network `{train.network.text}`",
                train.network.location,
                did_you_mean(train.network.text, names),
            )
    findings.check()


def _verified_module(operations: list[Operation], filename: str) -> ModuleOp:
    module = ModuleOp(operations)
    module.location = location_attribute(SourceLocation(filename, 1, 1))
    try:
        module.verify()
    except VerifyException as problem:
        raise error("E0202", f"the frontend built IR that is not well formed: {problem}") from None
    return module
