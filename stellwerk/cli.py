"""The command line: which commands there are. Each one lives in a file of `stellwerk/commands/`."""

import sys

import typer

from shared.contracts.errors import ErrorCode
from stellwerk import up
from stellwerk.commands import app as apps
from stellwerk.commands import (
    ask,
    audit,
    embed,
    explain,
    incident,
    model,
    policy,
    provider,
    provision,
    redact,
    trace,
    vault,
)
from stellwerk.commands import eval as evaluate
from stellwerk.errors import BadInput, StellwerkError
from stellwerk.output import complain, one_sentence

_FAILED, _BAD_INPUT, _INTERRUPTED = 1, 2, 130
_ASKED_WRONGLY = frozenset({ErrorCode.INVALID_REQUEST, ErrorCode.TOO_LARGE})


def build() -> typer.Typer:
    """Return the command line with every command."""
    app = typer.Typer(
        name="stellwerk",
        help="A signal box for a company's AI traffic. `stellwerk up` starts one here.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for register in (
        up,
        apps,
        ask,
        embed,
        trace,
        explain,
        redact,
        audit,
        provision,
        model,
        policy,
        provider,
        evaluate,
        incident,
        vault,
    ):
        register.register(app)
    return app


def main() -> None:
    """Run one command; exit with 0, 1 if it could not be done, 2 if it was asked wrongly."""
    sys.excepthook = one_sentence
    try:
        build()()
    except StellwerkError as error:
        complain(str(error))
        wrong = isinstance(error, BadInput) or error.code in _ASKED_WRONGLY
        sys.exit(_BAD_INPUT if wrong else _FAILED)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
