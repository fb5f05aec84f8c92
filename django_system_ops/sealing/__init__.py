"""
Files that nobody else can read or change unnoticed, written and read as streams.

Memory is flat whatever their size, and no Django is needed: a rescue script can import it.
"""

from django_system_ops.sealing.keys import (
    Key,
    key_file_text,
    new_key,
    parse_key,
    read_key_file,
    write_key_file,
)
from django_system_ops.sealing.private_files import (
    create_private,
    make_private_directory,
    require_private_directory,
    sync_directory,
)
from django_system_ops.sealing.stored_files import (
    StoredFile,
    StoredReader,
    StoredWriter,
    checked_chunks,
    hash_of_stored,
    naming_full_disk,
    suffix_of,
)
from django_system_ops.sealing.stream import CHUNK_BYTES, SealingWriter, UnsealingReader
from django_system_ops.sealing.whole_files import write_whole

__all__ = [
    "CHUNK_BYTES",
    "Key",
    "SealingWriter",
    "StoredFile",
    "StoredReader",
    "StoredWriter",
    "UnsealingReader",
    "checked_chunks",
    "create_private",
    "hash_of_stored",
    "key_file_text",
    "make_private_directory",
    "naming_full_disk",
    "new_key",
    "parse_key",
    "read_key_file",
    "require_private_directory",
    "suffix_of",
    "sync_directory",
    "write_key_file",
    "write_whole",
]
