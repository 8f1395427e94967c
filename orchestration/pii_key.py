"""The key of the keyed hashes that stand for personal identifiers.

Belongs here: where the key comes from and the two pads of HMAC (RFC 2104). Does not: hashing
itself, which SQL does (`macros/engine/keyed_hash.sql`).
"""

import hashlib
import os
import secrets
from pathlib import Path

from orchestration.settings import ConfigurationError

KEY_VARIABLE = "DBT_ENV_SECRET_PII_KEY"
KEY_FILE = "pii.key"
_BLOCK_BYTES = 64


def read_or_make_key(data_dir: Path) -> str:
    """The key in `data_dir/pii.key`, made at first use (64 hex digits, mode 600).

    Raises ConfigurationError when the file is there but empty or unreadable, or gone although a
    build was published: another key would change every hash without a word.
    """
    path = data_dir / KEY_FILE
    if not path.exists() and (data_dir / "published" / "orderhouse.duckdb").exists():
        raise lost_key(data_dir)
    return make_key_file(data_dir)


def make_key_file(data_dir: Path) -> str:
    """The key in `data_dir/pii.key`, made where it is missing, whatever was published."""
    path = data_dir / KEY_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return _read(path)


def lost_key(data_dir: Path) -> ConfigurationError:
    """The error of a key file that is gone although builds were made with it."""
    return ConfigurationError(
        f"The key file {data_dir / KEY_FILE} is gone, though a build was published with it. Restore"
        f" it from its copy, or set {KEY_VARIABLE}. With a new key every hash is another and nobody"
        " who was erased is known any more; if there is no copy: python -m orchestration run"
        " --new-key --force --full-refresh. See docs/runbook.md: The key file is lost."
    )


def _read(path: Path) -> str:
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The key file {path} cannot be read ({error}). Restore it, or set {KEY_VARIABLE}."
        ) from None
    if not key:
        raise ConfigurationError(
            f"The key file {path} is empty. Restore it from a backup, or set {KEY_VARIABLE}; a "
            "new key changes every hash."
        )
    return key


def hmac_pads(key: str) -> tuple[bytes, bytes]:
    """Inner and outer pad (64 bytes each) of HMAC-SHA-256 for `key`: RFC 2104, section 2."""
    block = key.encode("utf-8")
    if len(block) > _BLOCK_BYTES:
        block = hashlib.sha256(block).digest()
    block = block.ljust(_BLOCK_BYTES, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
