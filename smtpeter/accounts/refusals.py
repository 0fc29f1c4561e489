"""What the rules refuse; each message is a sentence for the person who asked."""


class RuleBroken(Exception):
    """A request that cannot be granted as it is; nothing was changed."""


class WrongName(RuleBroken):
    """No account, login or domain can have that name."""


class NotFound(RuleBroken):
    """There is none of that name."""


class WrongStanding(RuleBroken):
    """The account's standing does not allow it."""


class AlreadyThere(RuleBroken):
    """There is one of that name already."""
