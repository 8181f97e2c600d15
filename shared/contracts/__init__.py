"""The contracts: every event, command, error and amount that crosses a service boundary.

Nothing here may import anything but pydantic and the standard library.
"""
