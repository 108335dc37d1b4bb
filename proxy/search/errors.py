"""What can be wrong with a search.

ProxyError
└── InvalidSearch      invalid_search    what was asked for does not fit together
    └── NothingAllowed nothing_allowed   no architecture has as few parameters as it may have
"""

from __future__ import annotations

from proxy.errors import ProxyError


class InvalidSearch(ProxyError):
    """A strategy, sampler, objective or number does not exist or does not fit the others."""

    code = "invalid_search"


class NothingAllowed(InvalidSearch):
    """Every architecture that was drawn has more parameters than the search allows."""

    code = "nothing_allowed"
