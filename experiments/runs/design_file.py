"""The draws of a run's members in one Parquet file: written block by block and read so, whatever their number."""

import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd


def write(path: Path, blocks: Iterable[pd.DataFrame], members: int) -> None:
    """Write blocks of members, in order, as row groups; a single block is written as pandas writes a table.

    Args:
        path: of the Parquet file.
        blocks: tables of the same columns, one row per member.
        members: how many rows all blocks have together.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    coming = iter(blocks)
    first = next(coming)
    if len(first) == members:
        first.to_parquet(path)
        return
    described = json.loads(pa.Table.from_pandas(_counted(first)).schema.metadata[b"pandas"])
    described["index_columns"][0]["stop"] = members
    schema = pa.Schema.from_pandas(_counted(first)).with_metadata({b"pandas": json.dumps(described).encode()})
    with pq.ParquetWriter(path, schema) as writer:
        writer.write_table(pa.Table.from_pandas(_counted(first), schema), len(first))
        del first
        for block in coming:
            writer.write_table(pa.Table.from_pandas(_counted(block), schema), len(block))


def _counted(block: pd.DataFrame) -> pd.DataFrame:
    return block.set_axis(pd.RangeIndex(len(block), name="member"))


class DesignFile:
    """The members of a Parquet file that `write` made, read by row groups."""

    def __init__(self, path: Path) -> None:
        """path: of the Parquet file."""
        import pyarrow.parquet as pq

        self._file = pq.ParquetFile(path)
        sizes = [self._file.metadata.row_group(i).num_rows for i in range(self._file.metadata.num_row_groups)]
        self._edges = np.cumsum([0, *sizes])
        self._group = lru_cache(maxsize=1)(self._read)

    @property
    def columns(self) -> list[str]:
        """The inputs that are drawn: `name`, or `name[Guangdong]`."""
        return list(self._file.schema_arrow.names)

    def rows(self, start: int, stop: int) -> pd.DataFrame:
        """Members start … stop−1, as many as there are, indexed by their number."""
        stop = max(start, min(stop, int(self._edges[-1])))
        first, last = np.searchsorted(self._edges, [start, max(stop - 1, start)], "right") - 1
        first = min(int(first), len(self._edges) - 2)
        parts = [self._group(number) for number in range(first, max(int(last), first) + 1)]
        found = parts[0] if len(parts) == 1 else pd.concat(parts)
        return found.iloc[start - self._edges[first] : stop - self._edges[first]].copy()

    def _read(self, number: int) -> pd.DataFrame:
        found: pd.DataFrame = self._file.read_row_group(number).to_pandas()
        first = int(self._edges[number])
        return found.set_axis(pd.RangeIndex(first, first + len(found), name="member"))
