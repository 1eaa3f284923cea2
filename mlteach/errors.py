"""What can go wrong, by name. Every message is a sentence that says what to do next."""


class MlteachError(Exception):
    """Base of all errors raised on purpose by this package."""


class DataError(MlteachError):
    """The data are missing, cut short, or not what they should be."""


class CheckpointError(MlteachError):
    """A checkpoint cannot be read, or belongs to another run, shape or version."""


class EpisodeError(MlteachError, ValueError):
    """An episode was asked for that the data cannot give, or has the wrong shape."""
