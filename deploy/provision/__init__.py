"""Provisioning: what services bind to and never declare themselves."""
