"""What models.yaml may say to one wire beside address and key: a slip of the pen is an error."""

from collections.abc import Collection

from services.router.providers.base import Endpoint


def checked(endpoint: Endpoint, known: Collection[str]) -> Endpoint:
    """Return the endpoint; raise `ValueError` for an option that its wire does not know."""
    unknown = sorted(endpoint.options.keys() - set(known))
    if unknown:
        listed = ", ".join(sorted(known)) or "none"
        raise ValueError(f"its wire knows no option {unknown[0]}; known are {listed}")
    return endpoint


def one_of(endpoint: Endpoint, name: str, *known: str) -> str:
    """Return what an option says, the first of `known` if nothing; `ValueError` for anything else.

    What it says is not repeated: it may have been meant for the option beside it.
    """
    said = endpoint.options.get(name, known[0])
    if said not in known:
        raise ValueError(f"its option {name} is none of {', '.join(known)}")
    return said
