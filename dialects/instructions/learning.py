"""Instructions of the loss unit and of the optimizer."""

from __future__ import annotations

from spikeloom.dialects.instructions.operands import (
    CELL,
    CHANNELS,
    F32,
    I32,
    LABELS,
    MATRICES,
    MATRIX,
    RATE,
    ROW,
    SAMPLES,
    SCORES,
    STATE,
    UNITS,
    activation,
)
from spikeloom.dialects.instructions.spec import (
    Element,
    Engine,
    Immediate,
    InstructionSpec,
    Role,
)

LOSSES: tuple[InstructionSpec, ...] = (
    InstructionSpec(
        "readout",
        Engine.LOSS,
        (*ROW, UNITS),
        (Role("sum", F32, STATE),),
        (activation("output", UNITS, (Element.BIT, Element.F32)),),
        "sums the output over the steps and multiplies by `scale`",
        (Immediate("scale", "factor on the sum"),),
    ),
    InstructionSpec(
        "cross_entropy",
        Engine.LOSS,
        (SAMPLES, UNITS),
        (
            Role("loss", F32, CELL, updates=True),
            Role("correct", I32, CELL, updates=True),
            Role("gradient", F32, SCORES, optional=True),
        ),
        (
            Role("readout", F32, SCORES),
            Role("label", I32, LABELS),
        ),
        "adds scale x cross entropy of softmax(readout) and the right decisions",
        (Immediate("scale", "1 / batch"),),
    ),
    InstructionSpec(
        "mean_squared_error",
        Engine.LOSS,
        (SAMPLES, UNITS),
        (
            Role("loss", F32, CELL, updates=True),
            Role("correct", I32, CELL, updates=True),
            Role("gradient", F32, SCORES, optional=True),
        ),
        (
            Role("readout", F32, SCORES),
            Role("label", I32, LABELS),
        ),
        "adds scale x squared distance to the one-hot label and the right decisions",
        (Immediate("scale", "1 / (batch x classes)"),),
    ),
    InstructionSpec(
        "spread",
        Engine.LOSS,
        (*ROW, UNITS),
        (activation("gradient", UNITS),),
        (Role("readout_gradient", F32, STATE),),
        "gives every step the readout's gradient times `scale`",
        (Immediate("scale", "factor on the gradient"),),
    ),
)

OPTIMIZERS: tuple[InstructionSpec, ...] = (
    InstructionSpec(
        "count_step",
        Engine.OPTIMIZER,
        (),
        (Role("count", I32, CELL, updates=True),),
        (),
        "counts the updates made so far",
    ),
    InstructionSpec(
        "sgd",
        Engine.OPTIMIZER,
        MATRICES,
        (
            Role("parameter", F32, MATRIX, updates=True),
            Role("velocity", F32, MATRIX, updates=True, optional=True),
        ),
        (Role("gradient", F32, MATRIX),),
        "velocity = momentum x velocity + gradient; parameter -= rate x velocity"
        " (without velocity: rate x gradient)",
        (RATE, Immediate("momentum", "factor on the velocity")),
    ),
    InstructionSpec(
        "adam",
        Engine.OPTIMIZER,
        MATRICES,
        (
            Role("parameter", F32, MATRIX, updates=True),
            Role("first_moment", F32, MATRIX, updates=True),
            Role("second_moment", F32, MATRIX, updates=True),
        ),
        (
            Role("gradient", F32, MATRIX),
            Role("count", I32, CELL),
        ),
        "Adam with bias correction (Kingma & Ba 2015) and decoupled weight decay"
        " (Loshchilov & Hutter 2019; decay 0 is Adam)",
        (
            RATE,
            Immediate("beta1", "decay of the first moment"),
            Immediate("beta2", "decay of the second moment"),
            Immediate("epsilon", "added to the root of the second moment"),
            Immediate("decay", "decoupled weight decay"),
        ),
    ),
    InstructionSpec(
        "blend",
        Engine.OPTIMIZER,
        (UNITS,),
        (Role("running", F32, CHANNELS, updates=True),),
        (Role("statistic", F32, CHANNELS),),
        "running = (1 - momentum) x running + momentum x factor x statistic",
        (
            Immediate("momentum", "how much of the new statistic is taken"),
            Immediate("factor", "N / (N - 1) makes a biased variance unbiased"),
        ),
    ),
)
