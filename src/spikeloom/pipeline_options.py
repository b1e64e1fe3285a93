"""The options that choose a pipeline; no imports beyond the parser's, so that help is quick."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

PIPELINE_NAME = "<pipeline>"
"""What a location in a pipeline gives as its file."""


def pass_option_name(index: int) -> str:
    """What a location in the `--pass-option` of this index gives as its file."""
    return f"<pass-option {index + 1}>"


class _PrintPipeline(argparse.Action):
    """Prints the default pipeline and exits, as `--version` does with the version."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        from spikeloom.default_pipeline import open_pipeline_text

        print(open_pipeline_text())
        parser.exit()


def add_pipeline_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--pipeline`, `--pass-option` and `--print-pipeline`."""
    group = parser.add_argument_group(
        "the pipeline",
        "`expand-bptt` without training, steps and batch gets those of every stream that is needed."
        " Docs: docs/pipelines.md.",
    )
    add = group.add_argument
    words = "run these passes instead of the default ones: 'infer-shapes,...,lower-to-engine'"
    add("--pipeline", metavar="PASSES", help=words)
    words = "give a pass of the pipeline other options: 'fuse-luts{width=4}'; may be given again"
    add("--pass-option", metavar="PASS{OPTION=VALUE}", action="append", default=[], help=words)
    words = "print the default pipeline, to copy and edit, and exit"
    add("--print-pipeline", action=_PrintPipeline, nargs=0, help=words)


def pipeline_texts(parsed: argparse.Namespace) -> dict[str, str]:
    """The pipelines on the command line, by the names that locations give as their file."""
    options: list[str] = getattr(parsed, "pass_option", [])
    pipeline: str | None = getattr(parsed, "pipeline", None)
    texts = {pass_option_name(index): text for index, text in enumerate(options)}
    return texts if pipeline is None else {PIPELINE_NAME: pipeline, **texts}
