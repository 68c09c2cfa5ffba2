"""`python -m bench [--rounds N] [--seconds N] [http|mail|inspect]...`: runs the benchmarks, prints their tables."""

from __future__ import annotations

import argparse
import platform


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help="http, mail, inspect; default: all of them")
    parser.add_argument("--rounds", type=int, default=5, help="alternating runs of each contestant (5)")
    parser.add_argument("--seconds", type=int, default=5, help="length of an HTTP run (5)")
    arguments = parser.parse_args()
    parts = arguments.parts or ["http", "mail", "inspect"]
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}", flush=True)
    if "http" in parts:
        from bench import http

        print("\n".join(http.run(arguments.rounds, arguments.seconds)), flush=True)
    if "mail" in parts:
        from bench import mail

        print("\n".join(mail.run(arguments.rounds)), flush=True)
    if "inspect" in parts:
        from bench import inspect

        inspect.main([])


if __name__ == "__main__":
    main()
