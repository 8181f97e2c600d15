"""The sentences a person sees when the embedded default cannot do what was asked.

LocalError
├── PortInUse         another program listens where a part of the platform should
├── DataLocked        another supervisor owns the data directory
├── BinaryMissing     no nats-server or PostgreSQL found, or one of the wrong version
├── StartFailed       a part ended or stayed silent while it was starting
└── ModelUnavailable  a model file is missing, incomplete or not the official one
"""


class LocalError(Exception):
    """Base of all; its text is one sentence that says what was wrong and how to fix it."""


class PortInUse(LocalError):
    pass


class DataLocked(LocalError):
    pass


class BinaryMissing(LocalError):
    pass


class StartFailed(LocalError):
    pass


class ModelUnavailable(LocalError):
    pass
