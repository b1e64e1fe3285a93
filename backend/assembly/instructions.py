"""Reads one instruction of an assembly text."""

from __future__ import annotations

from collections.abc import Mapping

from spikeloom.backend.assembly.parser import TokenParser
from spikeloom.backend.assembly.tokens import Token, TokenKind
from spikeloom.backend.assembly.writer import named_form
from spikeloom.backend.stream.stream import (
    NO_LOOP,
    NO_SCALE,
    LoopExtent,
    Slice,
    StreamBuilder,
    per_dimension,
)
from spikeloom.diagnostics import did_you_mean
from spikeloom.dialects.instruction_set import (
    CROSSBAR_ENGINES,
    DIMENSIONS,
    MAX_INSTANCES,
    InstructionSpec,
    Role,
)


class InstructionReader:
    """Reads instructions into a builder; `buffers` gives the index of each buffer by name."""

    def __init__(self, parser: TokenParser, builder: StreamBuilder, buffers: Mapping[str, int]):
        self._parser = parser
        self._builder = builder
        self._buffers = buffers
        self._depth = 0

    def read(self, spec: InstructionSpec, depth: int) -> None:
        """Reads what follows the instruction's name; `depth` loops are open."""
        self._depth = depth
        instance = 0
        if spec.engine in CROSSBAR_ENGINES and self._parser.accept("on"):
            instance = self._parser.integer(range(MAX_INSTANCES))
        operands = self._named(spec) if named_form(spec) else self._positional(spec)
        extents = self._extents(spec)
        immediates = self._immediates(spec)
        parser = self._parser
        location = parser.take(TokenKind.TEXT).value if parser.accept("loc") else ""
        layer = parser.take(TokenKind.TEXT).value if parser.accept("layer") else ""
        self._builder.emit(spec.name, operands, extents, immediates, location, layer, instance)

    def _positional(self, spec: InstructionSpec) -> dict[str, Slice]:
        """`@a[..], @b[..] = @c[..], @d[..]`, in the order of the roles."""
        parser = self._parser
        operands: dict[str, Slice] = {}
        for position, role in enumerate(spec.roles):
            if position == len(spec.writes):
                parser.expect(_sign(spec.writes[0]))
            elif position:
                parser.expect(",")
            operands[role.name] = self._slice()
        return operands

    def _named(self, spec: InstructionSpec) -> dict[str, Slice]:
        """`@a[..] = role, @b[..] += role from role @c[..], role @d[..]`.

        Where every result is optional, there may be none: `from role @c[..]`.
        """
        parser = self._parser
        operands: dict[str, Slice] = {}
        none = all(role.optional for role in spec.writes) and parser.at("from")
        while not none:
            operand = self._slice()
            sign = parser.token
            if not (parser.accept("=") or parser.accept("+=")):
                raise parser.unexpected("`=` or `+=`")
            role = self._role(spec.writes, operands)
            if sign.text != _sign(role):
                message = f"`{role.name}` is written with `{_sign(role)}`"
                raise parser.fail(message, sign)
            operands[role.name] = operand
            if not parser.accept(","):
                break
        if parser.accept("from"):
            while True:
                role = self._role(spec.reads, operands)
                operands[role.name] = self._slice()
                if not parser.accept(","):
                    break
        return operands

    def _role(self, roles: tuple[Role, ...], taken: Mapping[str, Slice]) -> Role:
        token = self._parser.take(TokenKind.WORD)
        found = next((role for role in roles if role.name == token.text), None)
        if found is None:
            help = did_you_mean(token.text, (role.name for role in roles))
            raise self._parser.fail(f"unknown role `{token.text}`", token, help)
        if found.name in taken:
            raise self._parser.fail(f"role `{token.text}` is given twice", token)
        return found

    def _slice(self) -> Slice:
        parser = self._parser
        token = parser.take(TokenKind.BUFFER)
        buffer = self._buffers.get(token.value)
        if buffer is None:
            help = did_you_mean(token.value, self._buffers) if self._buffers else None
            raise parser.fail(f"buffer `{token.text}` is not defined", token, help)
        starts: list[tuple[int, int, int]] = []
        for dimension in range(DIMENSIONS):
            parser.expect("," if dimension else "[")
            starts.append(self._affine())
        parser.expect("]")
        bases, loops, scales = (per_dimension(column) for column in zip(*starts, strict=True))
        return Slice(buffer, bases, loops, scales)

    def _affine(self) -> tuple[int, int, int]:
        """`offset`, `%loop`, `%loop - offset`, `scale * %loop + offset`.

        Returns offset, loop and scale.
        """
        parser = self._parser
        scale = NO_SCALE
        if parser.token.kind is not TokenKind.LOOP:
            number = self._offset()
            if not parser.accept("*"):
                return number, NO_LOOP, NO_SCALE
            scale = number
        loop = self._loop()
        signed = parser.at("+") or parser.at("-") or parser.token.kind is TokenKind.NUMBER
        return self._offset() if signed else 0, loop, scale

    def _offset(self) -> int:
        """An integer; its sign may stand apart."""
        parser = self._parser
        if parser.accept("-"):
            return -parser.integer(range(2**31 + 1))
        parser.accept("+")
        return parser.integer()

    def _loop(self) -> int:
        token: Token = self._parser.take(TokenKind.LOOP)
        depth = int(token.value)
        if depth >= self._depth:
            raise self._parser.fail(f"loop `{token.text}` is not open here", token)
        return depth

    def _extents(self, spec: InstructionSpec) -> list[int | LoopExtent]:
        """`over axis extent, ...`, every axis in its order."""
        parser = self._parser
        extents: list[int | LoopExtent] = []
        for position, axis in enumerate(spec.axes):
            parser.expect("," if position else "over")
            parser.expect(axis)
            offset, loop, scale = self._affine()
            extents.append(offset if loop == NO_LOOP else LoopExtent(loop, scale, offset))
        return extents

    def _immediates(self, spec: InstructionSpec) -> list[float]:
        """`with name number, ...`, every immediate in its order."""
        parser = self._parser
        values: list[float] = []
        for position, immediate in enumerate(spec.immediates):
            parser.expect("," if position else "with")
            parser.expect(immediate.name)
            values.append(parser.real())
        return values


def _sign(role: Role) -> str:
    return "+=" if role.updates else "="
