"""Damage as a disk does it.

Belongs here: files some bytes of which are not what was written. Does not: what is said of it.
"""

from pathlib import Path

import duckdb

# Of a DuckDB file, before its first block.
_HEADERS_BYTES = 3 * 4096


def spoil(path: Path, text: bytes) -> None:
    """Put a file in the place of one in which a text stands wrong, once.

    Not wherever it stands: DuckDB's checksum is a sum in which an even number of them is nothing.
    """
    content = path.read_bytes()
    assert text in content
    spoiled = path.with_name("spoiled")
    spoiled.write_bytes(content.replace(text, text[::-1], 1))
    spoiled.replace(path)


def spoil_column(path: Path, table: str, column: str) -> None:
    """Change a byte of a block that holds rows of a column; the catalogue stays whole."""
    with duckdb.connect(path, read_only=True) as connection:
        ((block,),) = connection.execute(
            "select min(block_id) from pragma_storage_info(?)"
            " where column_name = ? and block_id >= 0",
            [table, column],
        ).fetchall()
        ((size,),) = connection.execute("select block_size from pragma_database_size()").fetchall()
    content = bytearray(path.read_bytes())
    content[_HEADERS_BYTES + block * size + size // 2] ^= 1
    path.write_bytes(content)
