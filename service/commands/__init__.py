"""Every change is a command: permission, action, audit event, one transaction.

A command is a function `(hub, viewer, ...) -> dict` whose result is ready for JSON but for datetimes. Pages, HTTP and
the command line call the same ones; `COMMANDS` is the table of them.
"""
