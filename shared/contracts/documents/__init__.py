"""The documents made from the catalogue; `python -m shared.contracts.generate` writes them."""
