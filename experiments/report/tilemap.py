"""The tile map: one square a province in rough geography, so that every province is equally visible."""

#: province → (column, row), from the north-west corner.
TILES: dict[str, tuple[int, int]] = {
    "Heilongjiang": (7, 0),
    "Xinjiang": (0, 1),
    "Inner Mongolia": (4, 1),
    "Beijing": (5, 1),
    "Liaoning": (6, 1),
    "Jilin": (7, 1),
    "Qinghai": (1, 2),
    "Gansu": (2, 2),
    "Ningxia": (3, 2),
    "Shanxi": (4, 2),
    "Hebei": (5, 2),
    "Tianjin": (6, 2),
    "Tibet": (0, 3),
    "Shaanxi": (3, 3),
    "Henan": (4, 3),
    "Shandong": (5, 3),
    "Jiangsu": (6, 3),
    "Sichuan": (2, 4),
    "Chongqing": (3, 4),
    "Hubei": (4, 4),
    "Anhui": (5, 4),
    "Shanghai": (6, 4),
    "Yunnan": (2, 5),
    "Guizhou": (3, 5),
    "Hunan": (4, 5),
    "Jiangxi": (5, 5),
    "Zhejiang": (6, 5),
    "Guangxi": (3, 6),
    "Guangdong": (4, 6),
    "Fujian": (5, 6),
    "Hainan": (4, 7),
}
COLUMNS = 1 + max(column for column, _ in TILES.values())
ROWS = 1 + max(row for _, row in TILES.values())
