"""Lets `python -m stellwerk` do what the command `stellwerk` does."""

from stellwerk.cli import main

main()
