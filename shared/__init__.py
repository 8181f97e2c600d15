"""Code that more than one service runs; it must never import a service."""
