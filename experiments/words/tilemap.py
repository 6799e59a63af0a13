"""The tile map: one square a province in rough geography, so that every province is equally visible."""

from calibration.places import places

TILES: dict[str, tuple[int, int]] = {place.name: place.tile for place in places().values() if place.tile}
"""Province → (column, row), from the north-west corner."""

COLUMNS = 1 + max(column for column, _ in TILES.values())
ROWS = 1 + max(row for _, row in TILES.values())

CODES: dict[str, str] = {place.name: place.letters for place in places().values()}
"""Two letters for small screens (GB/T 2260)."""
