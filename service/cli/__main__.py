"""`python -m service.cli`: the command line where the entry point is not installed."""

from service.cli.app import main

main()
