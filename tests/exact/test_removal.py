"""Which cards a removed gang or dealer leaves behind."""

import numpy as np

from sim.kernels.enforcement import held_by


def test_cards_of_removed_owners_are_found_by_status_and_owner() -> None:
    """The cards in some statuses whose owner is gone; a card without an owner (-1) belongs to nobody."""
    rng = np.random.default_rng(6)
    status = rng.integers(0, 12, 4000).astype(np.uint8)
    owner = rng.integers(-1, 50, 4000).astype(np.int32)
    for gone in (np.array([], dtype=np.int64), np.array([3]), np.array([0, 7, 49])):
        held = held_by(status, owner, gone, 50, 3, 5)
        assert np.array_equal(held, np.flatnonzero(np.isin(status, (3, 4, 5)) & np.isin(owner, gone)))
