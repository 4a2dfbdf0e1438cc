"""The one error this library raises on purpose: a sentence for the person who reads it.

What belongs here: exception types. What does not: the checks that raise them.
"""


class LifetimeError(ValueError):
    """Input or data that no sensible figure can be computed from; the message is one plain sentence."""


class NotIdentified(LifetimeError):  # noqa: N818  (it is a finding about data, not a fault)
    """A model was fitted, but the data do not determine its parameters; the message is the recorded reason."""
