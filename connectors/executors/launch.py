"""Sets limits on itself, then becomes the command: `launch.py MEMORY_BYTES CPU_SECONDS COMMAND...`.

Run as a program by `local.py` alone; imports nothing of the house.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    memory, processor, *command = sys.argv[1:]
    try:
        import resource  # not there on every system

        for what, most in (
            (resource.RLIMIT_AS, int(memory)),
            (resource.RLIMIT_CPU, int(processor)),
            (resource.RLIMIT_CORE, 0),
        ):
            _, hard = resource.getrlimit(what)
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(what, (most, most))
    except (ImportError, ValueError, OSError) as error:
        sys.exit(f"limits could not be set: {error}")
    try:
        os.execvp(command[0], command)  # the point of this program
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
