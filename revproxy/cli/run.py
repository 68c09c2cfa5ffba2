"""`run`, `status`, `reload`, `upgrade`, `drain`: start the front end, and speak to one that runs.

Arguments in, one call, text or JSON out. Exit codes: 0 done, 1 refused or failed, 2 wrong use or configuration.
`app` is imported where it is needed: it brings the whole engine, which speaking to a control socket does not need.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from revproxy.cli.common import Command, config_option, find_config
from revproxy.cli.progress import Compiling
from revproxy.errors import UpstreamError
from revproxy.runtime.asking import ask
from revproxy.runtime.legacy import dismiss

_LOCATED = {"ConfigError", "RuleError", "ManyErrors"}
_STATUS_SECONDS = 10.0
_RELOAD_SECONDS = 600.0


def _control(command: Command) -> Command:
    """`-c FILE` and `--control PATH`; see `_path`."""
    option = click.option(
        "--control", metavar="PATH", help="The control socket; by default the one that the configuration names."
    )
    return option(config_option(command))


def _path(config: Path | None, control: str | None) -> str:
    """The control socket. Raises LocatedError when the configuration cannot tell."""
    if control is not None:
        return control
    from revproxy.app import service

    return service.control_path(str(find_config(config)))


def _fail(text: str, code: int) -> NoReturn:
    click.echo(text, err=True)
    sys.exit(code)


def _ask(path: str, verb: str, timeout: float, until_gone: bool = False) -> dict[str, Any]:
    """The answer's result; exits with 1 when there is none, with 2 when the configuration is to blame."""
    answer = ask(path, verb, timeout, until_gone)
    if not answer["ok"]:
        _fail(answer["error"], 2 if answer.get("kind") in _LOCATED else 1)
    result = answer["result"]
    assert isinstance(result, dict)
    return result


@click.command(
    epilog="""\b
Examples:
  revproxy run -c revproxy.yaml
  kill -HUP PID      reload
  kill -USR1 PID     open the log files anew
  kill -USR2 PID     become the version that is installed now
  kill -TERM PID     finish what is under way, then end

Exit codes: 0 after a drain, 1 when the workers cannot start, 2 when the configuration is wrong (nothing is bound).
"""
)
@config_option
def run(config: Path | None) -> None:
    """Serve in the foreground; prints one line that begins with "ready:" once it accepts."""
    from revproxy.app import service

    with Compiling() as told:
        code = service.run(str(find_config(config)), click.echo, told)
    sys.exit(code)


@click.command(
    epilog="""\b
Examples:
  revproxy status
  revproxy status --json --control /run/revproxy/control.sock

Exit codes: 0 ready, 1 not ready or nobody answers, 2 wrong configuration.
"""
)
@_control
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
def status(config: Path | None, control: str | None, as_json: bool) -> None:
    """Show generations and workers of the revproxy that runs."""
    result = _ask(_path(config, control), "status", _STATUS_SECONDS)
    click.echo(json.dumps(result, indent=2) if as_json else _text(result))
    sys.exit(0 if result["ready"] else 1)


def _text(result: dict[str, Any]) -> str:
    lines = [
        f"{result['state']}, {'ready' if result['ready'] else 'not ready'}: pid {result['pid']}, "
        f"up {result['uptime_seconds']:.0f} s, rule set {result['ruleset']}"
    ]
    if result.get("adopted"):
        lines.append(f"{len(result['adopted'])} processes of the version before it finish what they have begun")
    for generation in result["generations"]:
        restarts = f", {generation['restarts']} restarts" if generation["restarts"] else ""
        lines.append(f"generation {generation['number']}: rule set {generation['ruleset']}{restarts}")
        # A supervisor that was started before an upgrade does not say.
        if sandbox := generation.get("sandbox"):
            lines.append(f"  sandbox: {_sandbox_text(sandbox)}")
        if broker := generation["broker"]:
            restarts = f", {broker['restarts']} restarts" if broker["restarts"] else ""
            lines.append(f"  broker: pid {broker['pid']}{restarts}")
        lines += [_worker_text(worker) for worker in generation["workers"]]
    return "\n".join(lines)


def _sandbox_text(sandbox: dict[str, Any]) -> str:
    if not sandbox["on"]:
        return "off; workers may do whatever this user may"
    return f"missing on this machine: {'; '.join(sandbox['missing'])}" if sandbox["missing"] else "whole"


def _worker_text(worker: dict[str, Any]) -> str:
    told = worker["status"]
    said = ", ".join(f"{key} {value}" for key, value in told.items() if value != "") if told else "no answer"
    return f"  worker {worker['index']}: pid {worker['pid']}, {worker['age_seconds']:.0f} s old, {said}"


@click.command(
    epilog="""\b
Examples:
  revproxy reload
  revproxy reload -c revproxy.yaml

Exit codes: 0 the new configuration is in force, 1 it failed, 2 it is wrong; unless 0, the old one stays in force.
"""
)
@_control
def reload(config: Path | None, control: str | None) -> None:
    """Put the configuration and the signatures as they are now in force, without losing a request or a message.

    Where nothing but signatures or rules has changed, the workers go on with the new ones; else new workers begin.
    """
    result = _ask(_path(config, control), "reload", _RELOAD_SECONDS)
    goes = "goes on" if result["swapped"] else "is in force"
    click.echo(f"generation {result['generation']} {goes} with rule set {result['ruleset']}")


@click.command(
    epilog="""\b
Examples:
  pip install --upgrade revproxy && revproxy upgrade
  revproxy upgrade -c revproxy.yaml

Exit codes: 0 the installed version serves, 1 it would not or does not, 2 the configuration is wrong; unless 0, the
workers of before serve on.
"""
)
@_control
def upgrade(config: Path | None, control: str | None) -> None:
    """Have the process that runs become the version that is installed now, without losing a request or a message.

    It proves itself first: `check --start` of the installed version has to end with 0.
    """
    result = _ask(_path(config, control), "upgrade", _RELOAD_SECONDS)
    click.echo(f"version {result['version']} serves with rule set {result['ruleset']}")


@click.command(
    epilog="""\b
Examples:
  revproxy drain
  revproxy drain --no-wait

Exit codes: 0 drained, 1 nobody answers or it took too long, 2 wrong configuration.
"""
)
@_control
@click.option("--wait/--no-wait", default=True, show_default=True, help="Return only when it has ended.")
def drain(config: Path | None, control: str | None, wait: bool) -> None:
    """Accept nothing more, finish what is under way, end. Also for workers whose supervisor was killed."""
    path = _path(config, control)
    try:
        result = _ask(path, "drain", _RELOAD_SECONDS, until_gone=wait)
    except UpstreamError:
        if not dismiss(path):
            raise
        click.echo("there is no supervisor; the workers that one has left were told to drain")
        return
    click.echo("drained" if wait else f"draining, for {result['drain_seconds']:g} s at most")
